# One row per run of the function with the state it is in now, made of the rows of its ledger.
view: sync_history {
  sql_table_name: `@{DATASET}.sync_history` ;;

  dimension: run_id {
    label: "Run ID"
    description: "Identifier of the run; sorts by time of start."
    primary_key: yes
    type: string
    sql: ${TABLE}.run_id ;;
  }

  dimension: kind {
    label: "Kind"
    description: "daily or historical."
    type: string
    sql: ${TABLE}.kind ;;
  }

  dimension: state {
    label: "State"
    description: "running, completed, partial or failed; abandoned when it began over two hours ago and never ended."
    type: string
    sql: ${TABLE}.state ;;
  }

  dimension_group: started {
    label: "Started"
    description: "When the run began (UTC)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.started_at ;;
  }

  dimension_group: ended {
    label: "Ended"
    description: "When it ended (UTC); NULL while running or when abandoned."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.ended_at ;;
  }

  dimension: seconds {
    label: "Seconds"
    description: "Seconds from start to end."
    type: number
    value_format_name: decimal_1
    sql: ${TABLE}.seconds ;;
  }

  dimension_group: window_start {
    label: "Window start"
    description: "Earliest change the run looked for (UTC); 1970-01-01 for all."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.window_start ;;
  }

  dimension_group: window_end {
    label: "Window end"
    description: "Latest change the run looked for (UTC)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.window_end ;;
  }

  dimension: version {
    label: "Version"
    description: "Version of the function."
    type: string
    sql: ${TABLE}.version ;;
  }

  dimension: all_users {
    label: "All users"
    description: "False when the request named the users to sync."
    type: yesno
    sql: ${TABLE}.all_users ;;
  }

  dimension: users_seen {
    label: "Users seen"
    description: "Users found by discovery, or asked for."
    type: number
    sql: ${TABLE}.users_seen ;;
  }

  dimension: users_finished {
    label: "Users finished"
    description: "Users whose whole window is in the warehouse."
    type: number
    sql: ${TABLE}.users_finished ;;
  }

  dimension: users_skipped {
    label: "Users skipped"
    description: "Users who cannot be read: disabled, deleted, not to be impersonated, or refused run after run."
    type: number
    sql: ${TABLE}.users_skipped ;;
  }

  dimension: users_failed {
    label: "Users failed"
    description: "Users Looker refused or failed to answer for."
    type: number
    sql: ${TABLE}.users_failed ;;
  }

  dimension: users_unfinished {
    label: "Users unfinished"
    description: "Users left for the next run when the time budget ended, or Looker went away."
    type: number
    sql: ${TABLE}.users_unfinished ;;
  }

  dimension: conversations_listed {
    label: "Conversations listed"
    description: "Conversations inside the window."
    type: number
    sql: ${TABLE}.conversations_listed ;;
  }

  dimension: conversations_fetched {
    label: "Conversations fetched"
    description: "Conversations fetched and written."
    type: number
    sql: ${TABLE}.conversations_fetched ;;
  }

  dimension: conversations_unchanged {
    label: "Conversations unchanged"
    description: "Conversations the warehouse already held in the same version."
    type: number
    sql: ${TABLE}.conversations_unchanged ;;
  }

  dimension: conversations_rejected {
    label: "Conversations rejected"
    description: "Conversations written to rejects instead."
    type: number
    sql: ${TABLE}.conversations_rejected ;;
  }

  dimension: conversations_vanished {
    label: "Conversations vanished"
    description: "Conversations that were listed and gone when fetched."
    type: number
    sql: ${TABLE}.conversations_vanished ;;
  }

  dimension: conversations_rechecked {
    label: "Conversations rechecked"
    description: "Conversations fetched although their version was held, to check updated_at."
    type: number
    sql: ${TABLE}.conversations_rechecked ;;
  }

  dimension: conversations_unannounced {
    label: "Conversations changed unannounced"
    description: "Those that had other messages although updated_at stood still."
    type: number
    sql: ${TABLE}.conversations_unannounced ;;
  }

  dimension: messages {
    label: "Messages"
    description: "Messages written."
    type: number
    sql: ${TABLE}.messages ;;
  }

  dimension: raw_bytes {
    label: "Raw bytes"
    description: "Bytes of the conversations as Looker sent them."
    type: number
    sql: ${TABLE}.raw_bytes ;;
  }

  dimension: stored_bytes {
    label: "Stored bytes"
    description: "Bytes of messages as stored."
    type: number
    sql: ${TABLE}.stored_bytes ;;
  }

  dimension: api_calls {
    label: "API calls"
    description: "Requests made to Looker, retries included."
    type: number
    sql: ${TABLE}.api_calls ;;
  }

  dimension: failed_step {
    label: "Failed step"
    description: "Step at which a failed run stopped."
    type: string
    sql: ${TABLE}.failed_step ;;
  }

  dimension: failure {
    label: "Failure"
    description: "Why a failed run stopped."
    type: string
    sql: ${TABLE}.failure ;;
  }

  dimension: hint {
    label: "Hint"
    description: "What to do about it."
    type: string
    sql: ${TABLE}.hint ;;
  }

  measure: count {
    label: "Runs"
    description: "Runs of the function."
    type: count
    drill_fields: [detail*]
  }

  measure: failed_count {
    label: "Failed runs"
    description: "Runs that failed."
    type: count
    filters: [state: "failed"]
    drill_fields: [detail*]
  }

  set: detail {
    fields: [started_time, run_id, kind, state, failure, hint]
  }
}
