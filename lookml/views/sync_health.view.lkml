# One row that says whether the ingestion is well: freshness, runs of the last 7 days, what is owed, rejects.
view: sync_health {
  sql_table_name: `@{DATASET}.sync_health` ;;

  dimension: checked_at {
    label: "Checked at"
    description: "When this was asked (UTC)."
    primary_key: yes
    type: date_time
    sql: ${TABLE}.checked_at ;;
  }

  dimension_group: fresh_until {
    label: "Fresh until"
    description: "Every change up to here was looked for by a completed run over all users (UTC); NULL before the first."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.fresh_until ;;
  }

  dimension: hours_behind {
    label: "Hours behind"
    description: "Hours from fresh_until to now."
    type: number
    value_format_name: decimal_1
    sql: ${TABLE}.hours_behind ;;
  }

  dimension_group: last_success {
    label: "Last success"
    description: "When a run last ended completed (UTC)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.last_success_at ;;
  }

  dimension: hours_since_success {
    label: "Hours since success"
    description: "Hours from last_success_at to now."
    type: number
    value_format_name: decimal_1
    sql: ${TABLE}.hours_since_success ;;
  }

  dimension: last_run_id {
    label: "Last run ID"
    description: "Identifier of the run that began last."
    type: string
    sql: ${TABLE}.last_run_id ;;
  }

  dimension: last_run_state {
    label: "Last run state"
    description: "Its state: running, completed, partial, failed or abandoned."
    type: string
    sql: ${TABLE}.last_run_state ;;
  }

  dimension_group: last_run_started {
    label: "Last run started"
    description: "When it began (UTC)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.last_run_started_at ;;
  }

  dimension: runs_since_success {
    label: "Runs since success"
    description: "Runs that began after the last completed one and ended otherwise."
    type: number
    sql: ${TABLE}.runs_since_success ;;
  }

  dimension: runs_7d {
    label: "Runs, last 7 days"
    description: "Runs begun in the last 7 days."
    type: number
    sql: ${TABLE}.runs_7d ;;
  }

  dimension: completed_7d {
    label: "Completed, last 7 days"
    description: "Those that completed."
    type: number
    sql: ${TABLE}.completed_7d ;;
  }

  dimension: partial_7d {
    label: "Partial, last 7 days"
    description: "Those that left users unfinished."
    type: number
    sql: ${TABLE}.partial_7d ;;
  }

  dimension: failed_7d {
    label: "Failed, last 7 days"
    description: "Those that failed."
    type: number
    sql: ${TABLE}.failed_7d ;;
  }

  dimension: abandoned_7d {
    label: "Abandoned, last 7 days"
    description: "Those that never ended."
    type: number
    sql: ${TABLE}.abandoned_7d ;;
  }

  dimension: running_now {
    label: "Running now"
    description: "Runs that are running."
    type: number
    sql: ${TABLE}.running_now ;;
  }

  dimension: users_known {
    label: "Users known"
    description: "Users that were ever synced."
    type: number
    sql: ${TABLE}.users_known ;;
  }

  dimension: users_unfinished {
    label: "Users unfinished"
    description: "Users who are owed a window that a run left unfinished; skipped ones are not among them."
    type: number
    sql: ${TABLE}.users_unfinished ;;
  }

  dimension_group: oldest_unfinished_since {
    label: "Oldest unfinished since"
    description: "Start of the oldest window owed (UTC)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.oldest_unfinished_since ;;
  }

  dimension: users_skipped {
    label: "Users skipped"
    description: "Users who could not be read when a run last asked; sync_users says why."
    type: number
    sql: ${TABLE}.users_skipped ;;
  }

  dimension: users_failing {
    label: "Users failing"
    description: "Users for whom Looker refuses something run after run, while it answers others."
    type: number
    sql: ${TABLE}.users_failing ;;
  }

  dimension: unchanged_7d {
    label: "Conversations unchanged, last 7 days"
    description: "Conversations taken as unchanged in the last 7 days; for all but the next, updated_at alone said so."
    type: number
    sql: ${TABLE}.unchanged_7d ;;
  }

  dimension: rechecked_7d {
    label: "Conversations rechecked, last 7 days"
    description: "Conversations fetched again in the last 7 days to see whether updated_at tells every change."
    type: number
    sql: ${TABLE}.rechecked_7d ;;
  }

  dimension: unannounced_7d {
    label: "Conversations changed unannounced, last 7 days"
    description: "Those that had other messages although updated_at stood still; more than 0: it cannot be trusted."
    type: number
    sql: ${TABLE}.unannounced_7d ;;
  }

  dimension: rejects_7d {
    label: "Rejects, last 7 days"
    description: "Conversations written to rejects in the last 7 days."
    type: number
    sql: ${TABLE}.rejects_7d ;;
  }

  dimension_group: last_reject {
    label: "Last reject"
    description: "When the last of them was met (UTC)."
    type: time
    timeframes: [raw, time, date, week, month]
    sql: ${TABLE}.last_reject_at ;;
  }
}
