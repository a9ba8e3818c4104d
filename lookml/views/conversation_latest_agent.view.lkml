# One row per agent: its configuration as it was last seen beside a conversation.
view: conversation_latest_agent {
  sql_table_name: `@{DATASET}.conversation_latest_agent` ;;

  dimension: agent_id {
    label: "Agent ID"
    description: "Looker's id of the agent."
    primary_key: yes
    type: string
    sql: ${TABLE}.agent_id ;;
  }

  dimension: agent_name {
    label: "Agent name"
    description: "Its name."
    type: string
    sql: ${TABLE}.agent_name ;;
  }

  dimension: description {
    label: "Description"
    description: "What it is for, as its author wrote."
    type: string
    sql: ${TABLE}.description ;;
  }

  dimension: instructions {
    label: "Instructions"
    description: "What it was told to do (context.instructions)."
    type: string
    sql: ${TABLE}.instructions ;;
  }

  dimension: sources {
    label: "Sources"
    description: "Explores it may query: [{model, explore}]."
    type: string
    sql: TO_JSON_STRING(${TABLE}.sources) ;;
  }

  dimension: golden_queries {
    label: "Golden queries"
    description: "Number of golden queries it was given."
    type: number
    sql: ${TABLE}.golden_queries ;;
  }

  dimension: code_interpreter {
    label: "Code interpreter"
    description: "Whether it may run code; NULL when unknown."
    type: yesno
    sql: ${TABLE}.code_interpreter ;;
  }

  dimension: created_by {
    label: "Created by"
    description: "Name of its author."
    type: string
    sql: ${TABLE}.created_by ;;
  }

  dimension: deleted {
    label: "Deleted"
    description: "Whether it was deleted when last seen; NULL when unknown."
    type: yesno
    sql: ${TABLE}.deleted ;;
  }

  dimension_group: updated {
    label: "Updated"
    description: "When its configuration last changed (UTC)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.updated_at ;;
  }

  dimension_group: last_seen {
    label: "Last seen"
    description: "When this configuration was fetched (UTC)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.last_seen_at ;;
  }

  dimension: last_conversation_id {
    label: "Last conversation ID"
    description: "Conversation it was seen beside."
    type: string
    sql: ${TABLE}.last_conversation_id ;;
  }

  dimension: conversation_agent {
    label: "Conversation agent"
    description: "The whole configuration."
    type: string
    sql: TO_JSON_STRING(${TABLE}.conversation_agent) ;;
  }

  measure: count {
    label: "Agents"
    description: "Agents."
    type: count
    drill_fields: [detail*]
  }

  set: detail {
    fields: [agent_id, agent_name, created_by]
  }
}
