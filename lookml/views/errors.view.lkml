# One row per error an agent ran into, with the question it happened under and whether it was overcome.
view: errors {
  sql_table_name: `@{DATASET}.errors` ;;

  dimension: key {
    label: "Key"
    description: "What makes a row one of a kind."
    hidden: yes
    primary_key: yes
    type: string
    sql: FORMAT('%t/%t', ${TABLE}.conversation_id, ${TABLE}.position) ;;
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
    description: "Looker's id of the agent; NULL when it was deleted or none was chosen."
    type: string
    sql: ${TABLE}.agent_id ;;
  }

  dimension: turn_number {
    label: "Turn number"
    description: "Turn it happened in, from 1; 0 before the first question."
    type: number
    sql: ${TABLE}.turn_number ;;
  }

  dimension: position {
    label: "Position"
    description: "Place of the message in its conversation, from 1."
    type: number
    sql: ${TABLE}.position ;;
  }

  dimension: message_id {
    label: "Message ID"
    description: "Looker's id of the message."
    type: string
    sql: ${TABLE}.message_id ;;
  }

  dimension_group: occurred {
    label: "Occurred"
    description: "When it happened (UTC, clock of the server)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.occurred_at ;;
  }

  dimension: error_kind {
    label: "Error kind"
    description: "Step that failed, as the text begins with it, for instance ACTION_GENERATION; other when it does not."
    type: string
    sql: ${TABLE}.error_kind ;;
  }

  dimension: error {
    label: "Error"
    description: "Text of the error."
    type: string
    sql: ${TABLE}.error ;;
  }

  dimension: question {
    label: "Question"
    description: "Question it happened under; NULL before the first."
    type: string
    sql: ${TABLE}.question ;;
  }

  dimension: recovered {
    label: "Recovered"
    description: "Whether a final response followed in the same turn; otherwise the error was terminal."
    type: yesno
    sql: ${TABLE}.recovered ;;
  }

  measure: count {
    label: "Errors"
    description: "Errors."
    type: count
    drill_fields: [detail*]
  }

  measure: recovered_count {
    label: "Recovered errors"
    description: "Errors that a final response followed."
    type: count
    filters: [recovered: "yes"]
    drill_fields: [detail*]
  }

  measure: terminal_count {
    label: "Terminal errors"
    description: "Errors that no final response followed."
    type: count
    filters: [recovered: "no"]
    drill_fields: [detail*]
  }

  set: detail {
    fields: [created_date, conversation_id, turn_number, error_kind, error, recovered]
  }
}
