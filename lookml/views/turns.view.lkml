# One row per question of a user: what was asked, what was answered, how long it took and what went wrong.
view: turns {
  sql_table_name: `@{DATASET}.turns` ;;

  parameter: percentile {
    label: "Percentile"
    description: "Percentage that the measures of a chosen percentile stand for."
    type: unquoted
    default_value: "90"
    allowed_value: {
      label: "50"
      value: "50"
    }
    allowed_value: {
      label: "75"
      value: "75"
    }
    allowed_value: {
      label: "90"
      value: "90"
    }
    allowed_value: {
      label: "95"
      value: "95"
    }
    allowed_value: {
      label: "99"
      value: "99"
    }
  }

  dimension: key {
    label: "Key"
    description: "What makes a row one of a kind."
    hidden: yes
    primary_key: yes
    type: string
    sql: FORMAT('%t/%t', ${TABLE}.conversation_id, ${TABLE}.turn_number) ;;
  }

  dimension_group: created {
    label: "Created"
    description: "When the conversation began (UTC). Filter on it: it selects the partitions that are read."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.created_at ;;
  }

  dimension: conversation_id {
    label: "Conversation ID"
    description: "Looker's id of the conversation."
    type: string
    sql: ${TABLE}.conversation_id ;;
  }

  dimension: user_id {
    label: "User ID"
    description: "Looker's id of the user who asked."
    type: string
    sql: ${TABLE}.user_id ;;
  }

  dimension: agent_id {
    label: "Agent ID"
    description: "Looker's id of the agent that answered; NULL when it was deleted or none was chosen."
    type: string
    sql: ${TABLE}.agent_id ;;
  }

  dimension: turn_number {
    label: "Turn number"
    description: "Place of the question in its conversation, from 1."
    type: number
    sql: ${TABLE}.turn_number ;;
  }

  dimension: question_message_id {
    label: "Question message ID"
    description: "Looker's id of the message that asked."
    type: string
    sql: ${TABLE}.question_message_id ;;
  }

  dimension: question {
    label: "Question"
    description: "What the user asked; NULL when an application stored it in a form of its own."
    type: string
    sql: ${TABLE}.question ;;
  }

  dimension_group: asked {
    label: "Asked"
    description: "When the question was asked (UTC, clock of the browser)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.asked_at ;;
  }

  dimension: answered {
    label: "Answered"
    description: "Whether an answer was given; no as well where that is unknown."
    type: yesno
    sql: ${TABLE}.answered ;;
  }

  dimension: answer_unknown {
    label: "Answer unknown"
    description: "Whether it is unknown if an answer was given, because a message after the question was not understood."
    type: yesno
    sql: ${TABLE}.answered IS NULL ;;
  }

  dimension: answer {
    label: "Answer"
    description: "Text of the answer, the last one when there are several."
    type: string
    sql: ${TABLE}.answer ;;
  }

  dimension_group: first_thought {
    label: "First thought"
    description: "When the first message of the system came (UTC, clock of the server)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.first_thought_at ;;
  }

  dimension_group: answered_at {
    label: "Answered at"
    description: "When the final response came (UTC, clock of the server)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.answered_at ;;
  }

  dimension: seconds_to_first_thought {
    label: "Seconds to first thought"
    description: "Seconds from the question to the first message of the system; NULL when unknown or negative."
    type: number
    value_format_name: decimal_1
    sql: ${TABLE}.seconds_to_first_thought ;;
  }

  dimension: processing_seconds {
    label: "Processing (s)"
    description: "Seconds from the first message of the system to the final response; NULL when unknown or negative."
    type: number
    value_format_name: decimal_1
    sql: ${TABLE}.processing_seconds ;;
  }

  dimension: wait_seconds {
    label: "Wait (s)"
    description: "Seconds from the question to the final response: the whole wait of the user; NULL when unknown or negative."
    type: number
    value_format_name: decimal_1
    sql: ${TABLE}.wait_seconds ;;
  }

  dimension: clock_skew {
    label: "Clock skew"
    description: "True when a span was negative, because browser and server clocks differ; that span is NULL."
    type: yesno
    sql: ${TABLE}.clock_skew ;;
  }

  dimension: steps {
    label: "Steps"
    description: "Messages of the system in this turn."
    type: number
    sql: ${TABLE}.steps ;;
  }

  dimension: errors {
    label: "Errors"
    description: "Errors in this turn, recovered and terminal."
    type: number
    sql: ${TABLE}.errors ;;
  }

  dimension: recovered_errors {
    label: "Recovered errors"
    description: "Errors that a final response followed."
    type: number
    sql: ${TABLE}.recovered_errors ;;
  }

  dimension: terminal_errors {
    label: "Terminal errors"
    description: "Errors that no final response followed."
    type: number
    sql: ${TABLE}.terminal_errors ;;
  }

  dimension: follow_ups {
    label: "Follow ups"
    description: "Follow-up questions offered."
    type: number
    sql: ${TABLE}.follow_ups ;;
  }

  dimension: messages_not_understood {
    label: "Messages not understood"
    description: "Messages of this turn, the question included, whose sender, kind or text could not be read."
    type: number
    sql: ${TABLE}.messages_not_understood ;;
  }

  dimension: rating {
    label: "Rating"
    description: "Last rating given between this question and the next, as Looker writes it; NULL without ratings."
    type: string
    sql: ${TABLE}.rating ;;
  }

  dimension: rated_positive {
    label: "Rated positive"
    description: "Whether that rating is a good one; NULL where its text does not tell."
    type: yesno
    sql: ${TABLE}.rated_positive ;;
  }

  measure: count {
    label: "Questions"
    description: "Questions asked."
    type: count
    drill_fields: [detail*]
  }

  measure: conversations {
    label: "Conversations"
    description: "Conversations with at least one question."
    type: count_distinct
    sql: ${TABLE}.conversation_id ;;
    drill_fields: [detail*]
  }

  measure: active_users {
    label: "Active users"
    description: "Users who asked at least one question."
    type: count_distinct
    sql: ${TABLE}.user_id ;;
    drill_fields: [detail*]
  }

  measure: answered_count {
    label: "Answered questions"
    description: "Questions with an answer."
    type: count
    filters: [answered: "yes"]
    drill_fields: [detail*]
  }

  measure: unanswered_count {
    label: "Unanswered questions"
    description: "Questions without an answer, those left out of which it is unknown."
    type: count
    filters: [answered: "no", answer_unknown: "no"]
    drill_fields: [detail*]
  }

  measure: unknown_count {
    label: "Questions with an unknown answer"
    description: "Questions of which it is unknown whether they were answered."
    type: count
    filters: [answer_unknown: "yes"]
    drill_fields: [detail*]
  }

  measure: total_messages_not_understood {
    label: "Messages not understood, total"
    description: "Messages whose sender, kind or text could not be read."
    type: sum
    sql: ${TABLE}.messages_not_understood ;;
    drill_fields: [detail*]
  }

  measure: answered_ratio {
    label: "Answered %"
    description: "Share of the questions that got an answer, of those of which it is known."
    type: number
    sql: SAFE_DIVIDE(${answered_count}, ${answered_count} + ${unanswered_count}) ;;
    value_format_name: percent_0
    drill_fields: [detail*]
  }

  measure: skewed_count {
    label: "Questions with clock skew"
    description: "Questions whose browser and server clocks contradict each other."
    type: count
    filters: [clock_skew: "yes"]
    drill_fields: [detail*]
  }

  measure: total_errors {
    label: "Errors"
    description: "Errors, recovered and terminal."
    type: sum
    sql: ${TABLE}.errors ;;
    drill_fields: [detail*]
  }

  measure: total_terminal_errors {
    label: "Terminal errors"
    description: "Errors that no final response followed."
    type: sum
    sql: ${TABLE}.terminal_errors ;;
    drill_fields: [detail*]
  }

  measure: average_wait {
    label: "Average wait (s)"
    description: "Mean seconds from question to final response."
    type: average
    sql: ${TABLE}.wait_seconds ;;
    value_format_name: decimal_1
    drill_fields: [detail*]
  }

  measure: wait_percentile {
    label: "Wait, chosen percentile (s)"
    description: "Seconds from question to final response that the chosen percentage of questions does not exceed."
    type: number
    sql: APPROX_QUANTILES(${TABLE}.wait_seconds, 100)[OFFSET({% parameter percentile %})] ;;
    value_format_name: decimal_1
    drill_fields: [detail*]
  }

  measure: first_thought_percentile {
    label: "First thought, chosen percentile (s)"
    description: "Seconds from question to first message that the chosen percentage of questions does not exceed."
    type: number
    sql: APPROX_QUANTILES(${TABLE}.seconds_to_first_thought, 100)[OFFSET({% parameter percentile %})] ;;
    value_format_name: decimal_1
    drill_fields: [detail*]
  }

  measure: processing_percentile {
    label: "Processing, chosen percentile (s)"
    description: "Seconds from first message to final response that the chosen percentage of questions does not exceed."
    type: number
    sql: APPROX_QUANTILES(${TABLE}.processing_seconds, 100)[OFFSET({% parameter percentile %})] ;;
    value_format_name: decimal_1
    drill_fields: [detail*]
  }

  set: detail {
    fields: [created_date, conversation_id, turn_number, user_id, question, wait_seconds, errors]
  }
}
