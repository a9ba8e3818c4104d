# One row per query an agent wrote or reused, as a Looker query or as SQL, with the question it serves.
view: generated_queries {
  sql_table_name: `@{DATASET}.generated_queries` ;;

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
    description: "Turn the query was made in, from 1; 0 before the first question."
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

  dimension_group: sent {
    label: "Sent"
    description: "When it was made (UTC, clock of the server)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.sent_at ;;
  }

  dimension: question {
    label: "Question"
    description: "Question it serves; NULL before the first."
    type: string
    sql: ${TABLE}.question ;;
  }

  dimension: language {
    label: "Language"
    description: "looker or sql; a message that holds both is looker."
    type: string
    sql: ${TABLE}.language ;;
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

  dimension: fields {
    label: "Fields"
    description: "Fields that were selected; empty for SQL."
    type: string
    sql: ARRAY_TO_STRING(${TABLE}.fields, ', ') ;;
  }

  dimension: filters {
    label: "Filters"
    description: "Filters as written: a list of {field, value} or an object {field: value}."
    type: string
    sql: TO_JSON_STRING(${TABLE}.filters) ;;
  }

  dimension: sorts {
    label: "Sorts"
    description: "Sorts as written, for instance users.age desc; empty for SQL."
    type: string
    sql: ARRAY_TO_STRING(${TABLE}.sorts, ', ') ;;
  }

  dimension: row_limit {
    label: "Row limit"
    description: "Most rows asked for; NULL when not a whole number."
    type: number
    sql: ${TABLE}.row_limit ;;
  }

  dimension: generated_sql {
    label: "Generated SQL"
    description: "The SQL."
    type: string
    sql: ${TABLE}.generated_sql ;;
  }

  dimension: looker_query {
    label: "Looker query"
    description: "The whole Looker query."
    type: string
    sql: TO_JSON_STRING(${TABLE}.looker_query) ;;
  }

  measure: count {
    label: "Queries"
    description: "Queries written or reused."
    type: count
    drill_fields: [detail*]
  }

  measure: users {
    label: "Users"
    description: "Users whose questions they serve."
    type: count_distinct
    sql: ${TABLE}.user_id ;;
    drill_fields: [detail*]
  }

  set: detail {
    fields: [created_date, conversation_id, question, language, model, explore, generated_sql]
  }
}
