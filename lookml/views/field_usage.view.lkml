# One row per field of an Explore, use and day: what the agents select, filter on and sort by.
view: field_usage {
  sql_table_name: `@{DATASET}.field_usage` ;;

  dimension: key {
    label: "Key"
    description: "What makes a row one of a kind."
    hidden: yes
    primary_key: yes
    type: string
    sql: FORMAT('%t/%t/%t/%t/%t', ${TABLE}.day, ${TABLE}.model, ${TABLE}.explore, ${TABLE}.field, ${TABLE}.used_as) ;;
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

  dimension: model {
    label: "Model"
    description: "LookML model."
    type: string
    sql: ${TABLE}.model ;;
  }

  dimension: explore {
    label: "Explore"
    description: "Explore."
    type: string
    sql: ${TABLE}.explore ;;
  }

  dimension: field {
    label: "Field"
    description: "Field, as view.field."
    type: string
    sql: ${TABLE}.field ;;
  }

  dimension: used_as {
    label: "Used as"
    description: "selected, filter or sort."
    type: string
    sql: ${TABLE}.used_as ;;
  }

  dimension: turns {
    label: "Turns"
    description: "Questions that used it so; a question counts once however many queries it took."
    type: number
    sql: ${TABLE}.turns ;;
  }

  dimension: queries {
    label: "Queries"
    description: "Messages that hold a query which uses it so."
    type: number
    sql: ${TABLE}.queries ;;
  }

  dimension: users {
    label: "Users"
    description: "Users whose questions used it so."
    type: number
    sql: ${TABLE}.users ;;
  }

  measure: total_turns {
    label: "Questions"
    description: "Questions that used the field so; questions of different uses are not the same."
    type: sum
    sql: ${TABLE}.turns ;;
    drill_fields: [detail*]
  }

  set: detail {
    fields: [day_date, model, explore, field, used_as, turns]
  }
}
