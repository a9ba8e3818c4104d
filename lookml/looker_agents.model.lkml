connection: "@{CONNECTION}"
label: "Looker agents"

include: "/views/*.view.lkml"
include: "/dashboards/*.dashboard.lookml"

explore: turns {
  label: "Questions"
  description: "What users asked the agents, what they were answered and how long it took."
  group_label: "Looker agents"
  # Reads the partitions of these days only.
  always_filter: {
    filters: [turns.created_date: "90 days"]
  }

  join: conversation_latest_agent {
    view_label: "Agent"
    type: left_outer
    relationship: many_to_one
    sql_on: ${turns.agent_id} = ${conversation_latest_agent.agent_id} ;;
  }
}

explore: messages {
  label: "Messages"
  description: "Every message of the conversations, typed."
  group_label: "Looker agents"
  # Reads the partitions of these days only.
  always_filter: {
    filters: [messages.created_date: "90 days"]
  }

  join: conversation_latest_agent {
    view_label: "Agent"
    type: left_outer
    relationship: many_to_one
    sql_on: ${messages.agent_id} = ${conversation_latest_agent.agent_id} ;;
  }
}

explore: errors {
  label: "Errors"
  description: "Errors the agents ran into, recovered and terminal."
  group_label: "Looker agents"
  # Reads the partitions of these days only.
  always_filter: {
    filters: [errors.created_date: "90 days"]
  }

  join: conversation_latest_agent {
    view_label: "Agent"
    type: left_outer
    relationship: many_to_one
    sql_on: ${errors.agent_id} = ${conversation_latest_agent.agent_id} ;;
  }
}

explore: generated_queries {
  label: "Generated queries"
  description: "Queries the agents wrote or reused."
  group_label: "Looker agents"
  # Reads the partitions of these days only.
  always_filter: {
    filters: [generated_queries.created_date: "90 days"]
  }

  join: conversation_latest_agent {
    view_label: "Agent"
    type: left_outer
    relationship: many_to_one
    sql_on: ${generated_queries.agent_id} = ${conversation_latest_agent.agent_id} ;;
  }
}

explore: follow_ups {
  label: "Follow-ups"
  description: "Follow-up questions offered, and whether they were taken."
  group_label: "Looker agents"
  # Reads the partitions of these days only.
  always_filter: {
    filters: [follow_ups.created_date: "90 days"]
  }

  join: conversation_latest_agent {
    view_label: "Agent"
    type: left_outer
    relationship: many_to_one
    sql_on: ${follow_ups.agent_id} = ${conversation_latest_agent.agent_id} ;;
  }
}

explore: field_usage {
  label: "Field usage"
  description: "Fields the agents select, filter on and sort by."
  group_label: "Looker agents"
  # Reads the partitions of these days only.
  always_filter: {
    filters: [field_usage.day_date: "90 days"]
  }
}

explore: pruning_savings {
  label: "Storage"
  description: "Bytes sent and stored."
  group_label: "Looker agents"
  # Reads the partitions of these days only.
  always_filter: {
    filters: [pruning_savings.day_date: "90 days"]
  }
}

explore: sync_history {
  label: "Runs"
  description: "Runs of the ingestion."
  group_label: "Looker agents"
}

explore: sync_health {
  label: "Sync health"
  description: "Whether the ingestion is well."
  group_label: "Looker agents"
}
