# One row per day: bytes Looker sent, bytes that are stored, and what leaving the heavy parts out saved.
view: pruning_savings {
  sql_table_name: `@{DATASET}.pruning_savings` ;;

  dimension: key {
    label: "Key"
    description: "What makes a row one of a kind."
    hidden: yes
    primary_key: yes
    type: string
    sql: CAST(${TABLE}.day AS STRING) ;;
  }

  dimension_group: day {
    label: "Day"
    description: "Day the conversation began (UTC). Filter on it: it selects the partitions that are read."
    type: time
    timeframes: [raw, date, week, month]
    datatype: date
    convert_tz: no
    sql: ${TABLE}.day ;;
  }

  dimension: conversations {
    label: "Conversations"
    description: "Conversations begun."
    type: number
    sql: ${TABLE}.conversations ;;
  }

  dimension: messages {
    label: "Messages"
    description: "Messages in them."
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
    description: "Bytes of their messages as stored."
    type: number
    sql: ${TABLE}.stored_bytes ;;
  }

  dimension: saved_bytes {
    label: "Saved bytes"
    description: "raw_bytes - stored_bytes."
    type: number
    sql: ${TABLE}.saved_bytes ;;
  }

  dimension: saved_percent {
    label: "Saved %"
    description: "100 * saved_bytes / raw_bytes; NULL when nothing was sent."
    type: number
    value_format_name: decimal_1
    sql: ${TABLE}.saved_percent ;;
  }

  measure: total_raw_bytes {
    label: "Bytes sent"
    description: "Bytes of the conversations as Looker sent them."
    type: sum
    sql: ${TABLE}.raw_bytes ;;
    drill_fields: [detail*]
  }

  measure: total_stored_bytes {
    label: "Bytes stored"
    description: "Bytes of their messages as stored."
    type: sum
    sql: ${TABLE}.stored_bytes ;;
    drill_fields: [detail*]
  }

  measure: saved_ratio {
    label: "Saved %"
    description: "Share of the bytes that is not stored."
    type: number
    sql: 1 - SAFE_DIVIDE(${total_stored_bytes}, ${total_raw_bytes}) ;;
    value_format_name: percent_0
    drill_fields: [detail*]
  }

  set: detail {
    fields: [day_date, conversations, raw_bytes, stored_bytes]
  }
}
