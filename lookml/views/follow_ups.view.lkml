# One row per follow-up question an agent offered, and whether it was what the user asked next.
view: follow_ups {
  sql_table_name: `@{DATASET}.follow_ups` ;;

  dimension: key {
    label: "Key"
    description: "What makes a row one of a kind."
    hidden: yes
    primary_key: yes
    type: string
    sql: FORMAT('%t/%t/%t', ${TABLE}.conversation_id, ${TABLE}.position, ${TABLE}.place) ;;
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
    description: "Looker's id of the user it was offered to."
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
    description: "Turn it was offered in."
    type: number
    sql: ${TABLE}.turn_number ;;
  }

  dimension: position {
    label: "Position"
    description: "Place of the offering message in its conversation, from 1."
    type: number
    sql: ${TABLE}.position ;;
  }

  dimension: place {
    label: "Place"
    description: "Place of the question in that message, from 1."
    type: number
    sql: ${TABLE}.place ;;
  }

  dimension: question {
    label: "Question"
    description: "What the user had asked."
    type: string
    sql: ${TABLE}.question ;;
  }

  dimension: follow_up {
    label: "Follow up"
    description: "The question that was offered."
    type: string
    sql: ${TABLE}.follow_up ;;
  }

  dimension: next_question {
    label: "Next question"
    description: "What the user asked next; NULL when nothing."
    type: string
    sql: ${TABLE}.next_question ;;
  }

  dimension: taken {
    label: "Taken"
    description: "Whether that was this follow-up, word for word."
    type: yesno
    sql: ${TABLE}.taken ;;
  }

  measure: count {
    label: "Follow-ups offered"
    description: "Follow-up questions offered."
    type: count
    drill_fields: [detail*]
  }

  measure: taken_count {
    label: "Follow-ups taken"
    description: "Follow-up questions the user asked next."
    type: count
    filters: [taken: "yes"]
    drill_fields: [detail*]
  }

  set: detail {
    fields: [created_date, conversation_id, question, follow_up, taken]
  }
}
