- dashboard: agents
  title: Looker agents
  description: Use, answers, waiting and ingestion of the conversations with Looker agents.
  layout: newspaper
  preferred_viewer: dashboards-next
  filters:
  - name: Period
    title: Period
    type: date_filter
    default_value: 30 days
  - name: Percentile
    title: Percentile
    type: field_filter
    default_value: "90"
    model: looker_agents
    explore: turns
    field: turns.percentile
  elements:
  - name: conversations
    title: Conversations
    model: looker_agents
    explore: turns
    type: single_value
    fields: [turns.conversations]
    listen:
      Period: turns.created_date
      Percentile: turns.percentile
    row: 0
    col: 0
    width: 6
    height: 4
  - name: active_users
    title: Active users
    model: looker_agents
    explore: turns
    type: single_value
    fields: [turns.active_users]
    listen:
      Period: turns.created_date
      Percentile: turns.percentile
    row: 0
    col: 6
    width: 6
    height: 4
  - name: answered
    title: Answered
    model: looker_agents
    explore: turns
    type: single_value
    fields: [turns.answered_ratio]
    listen:
      Period: turns.created_date
      Percentile: turns.percentile
    row: 0
    col: 12
    width: 6
    height: 4
  - name: wait
    title: Wait, chosen percentile
    model: looker_agents
    explore: turns
    type: single_value
    fields: [turns.wait_percentile]
    listen:
      Period: turns.created_date
      Percentile: turns.percentile
    row: 0
    col: 18
    width: 6
    height: 4
  - name: use_by_day
    title: Conversations and active users
    model: looker_agents
    explore: turns
    type: looker_column
    fields: [turns.created_date, turns.conversations, turns.active_users]
    sorts: [turns.created_date]
    listen:
      Period: turns.created_date
      Percentile: turns.percentile
    row: 4
    col: 0
    width: 12
    height: 7
  - name: waits_by_day
    title: First thought and wait, chosen percentile
    model: looker_agents
    explore: turns
    type: looker_line
    fields: [turns.created_date, turns.first_thought_percentile, turns.wait_percentile]
    sorts: [turns.created_date]
    listen:
      Period: turns.created_date
      Percentile: turns.percentile
    row: 4
    col: 12
    width: 12
    height: 7
  - name: answers_by_day
    title: Answered and unanswered
    model: looker_agents
    explore: turns
    type: looker_column
    fields: [turns.created_date, turns.answered_count, turns.unanswered_count]
    sorts: [turns.created_date]
    listen:
      Period: turns.created_date
      Percentile: turns.percentile
    stacking: normal
    row: 11
    col: 0
    width: 12
    height: 7
  - name: errors_by_kind
    title: Errors by kind
    model: looker_agents
    explore: errors
    type: looker_bar
    fields: [errors.error_kind, errors.recovered_count, errors.terminal_count]
    sorts: [errors.terminal_count desc]
    listen:
      Period: errors.created_date
    stacking: normal
    row: 11
    col: 12
    width: 12
    height: 7
  - name: agents
    title: Busiest agents
    model: looker_agents
    explore: turns
    type: looker_bar
    fields: [conversation_latest_agent.agent_name, turns.answered_count, turns.unanswered_count]
    sorts: [turns.answered_count desc]
    listen:
      Period: turns.created_date
      Percentile: turns.percentile
    stacking: normal
    row: 18
    col: 0
    width: 12
    height: 7
  - name: explores
    title: Most queried Explores
    model: looker_agents
    explore: generated_queries
    type: looker_bar
    fields: [generated_queries.model, generated_queries.explore, generated_queries.count]
    sorts: [generated_queries.count desc]
    listen:
      Period: generated_queries.created_date
    row: 18
    col: 12
    width: 12
    height: 7
  - name: storage
    title: Bytes sent and stored
    model: looker_agents
    explore: pruning_savings
    type: looker_column
    fields: [pruning_savings.day_date, pruning_savings.total_raw_bytes, pruning_savings.total_stored_bytes]
    sorts: [pruning_savings.day_date]
    listen:
      Period: pruning_savings.day_date
    row: 25
    col: 0
    width: 12
    height: 7
  - name: runs
    title: Latest runs
    model: looker_agents
    explore: sync_history
    type: looker_grid
    fields: [sync_history.started_time, sync_history.kind, sync_history.state, sync_history.seconds, sync_history.users_unfinished, sync_history.conversations_fetched]
    sorts: [sync_history.started_time desc]
    row: 25
    col: 12
    width: 12
    height: 7
