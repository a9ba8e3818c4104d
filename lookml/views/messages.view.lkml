# One row per message of a conversation, typed; both shapes Looker stores are already one in the table.
view: messages {
  sql_table_name: `@{DATASET}.messages` ;;

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
    description: "Looker's id of the user who owns the conversation."
    type: string
    sql: ${TABLE}.user_id ;;
  }

  dimension: agent_id {
    label: "Agent ID"
    description: "Looker's id of the agent that answered; NULL when it was deleted or none was chosen."
    type: string
    sql: ${TABLE}.agent_id ;;
  }

  dimension: position {
    label: "Position"
    description: "Place of the message in its conversation, from 1: by Looker's order, then as stored."
    type: number
    sql: ${TABLE}.position ;;
  }

  dimension: turn_number {
    label: "Turn number"
    description: "Turn the message belongs to, from 1; 0 for what came before the first question."
    type: number
    sql: ${TABLE}.turn_number ;;
  }

  dimension: message_id {
    label: "Message ID"
    description: "Looker's id of the message; NULL when it has none."
    type: string
    sql: ${TABLE}.message_id ;;
  }

  dimension: message_order {
    label: "Message order"
    description: "Looker's own order; NULL when missing or not a whole number."
    type: number
    sql: ${TABLE}.message_order ;;
  }

  dimension: role {
    label: "Role"
    description: "user or system; NULL when the message says neither."
    type: string
    sql: ${TABLE}.role ;;
  }

  dimension: kind {
    label: "Kind"
    description: "user, text, schema, data, analysis, chart, error, clarification, exampleQueries or a later kind; unknown when nothing tells."
    type: string
    sql: ${TABLE}.kind ;;
  }

  dimension: text_type {
    label: "Text type"
    description: "FINAL_RESPONSE, THOUGHT, PROGRESS or FOLLOWUP_QUESTIONS for kind text; NULL for others."
    type: string
    sql: ${TABLE}.text_type ;;
  }

  dimension: text {
    label: "Text"
    description: "What a person would read: the question, the parts of a text one per line, an error, or what a step was asked."
    type: string
    sql: ${TABLE}.text ;;
  }

  dimension: parts {
    label: "Parts"
    description: "The parts of a text message, for instance one per follow-up question; empty for others."
    type: string
    sql: ARRAY_TO_STRING(${TABLE}.parts, ', ') ;;
  }

  dimension_group: sent {
    label: "Sent"
    description: "When it was sent (UTC): browser clock for user, server clock for system; NULL when missing or unreadable."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.sent_at ;;
  }

  dimension: model {
    label: "Model"
    description: "LookML model that was queried."
    type: string
    sql: ${TABLE}.model ;;
  }

  dimension: explore {
    label: "Explore"
    description: "Explore that was queried."
    type: string
    sql: ${TABLE}.explore ;;
  }

  dimension: generated_sql {
    label: "Generated SQL"
    description: "SQL the agent wrote or reused."
    type: string
    sql: ${TABLE}.generated_sql ;;
  }

  dimension: looker_query {
    label: "Looker query"
    description: "Looker query the agent wrote: {model, explore, fields, filters, sorts, limit, ...}."
    type: string
    sql: TO_JSON_STRING(${TABLE}.looker_query) ;;
  }

  dimension: result_name {
    label: "Result name"
    description: "Name of the data result, as charts and analyses refer to it."
    type: string
    sql: ${TABLE}.result_name ;;
  }

  dimension: result_row_count {
    label: "Result row count"
    description: "Rows of the data result; the rows themselves are not stored."
    type: number
    sql: ${TABLE}.result_row_count ;;
  }

  dimension: is_answer {
    label: "Is the answer"
    description: "Whether it answers its turn: a final response with a text; where there is none, the last text without a type."
    type: yesno
    sql: ${TABLE}.is_answer ;;
  }

  dimension: understood {
    label: "Understood"
    description: "Whether sender, kind and text could be read; false for what an application stored in a form of its own, and for later kinds."
    type: yesno
    sql: ${TABLE}.understood ;;
  }

  dimension: message {
    label: "Message"
    description: "The whole canonical message, for anything without a column."
    type: string
    sql: TO_JSON_STRING(${TABLE}.message) ;;
  }

  measure: count {
    label: "Messages"
    description: "Messages."
    type: count
    drill_fields: [detail*]
  }

  measure: conversations {
    label: "Conversations"
    description: "Conversations they belong to."
    type: count_distinct
    sql: ${TABLE}.conversation_id ;;
    drill_fields: [detail*]
  }

  measure: not_understood_count {
    label: "Messages not understood"
    description: "Messages whose sender, kind or text could not be read."
    type: count
    filters: [understood: "no"]
    drill_fields: [detail*]
  }

  set: detail {
    fields: [created_date, conversation_id, position, kind, text]
  }
}
