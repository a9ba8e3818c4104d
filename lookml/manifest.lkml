project_name: "looker_agents"

# Name of the connection to BigQuery in this Looker.
constant: CONNECTION {
  value: "bigquery"
  export: override_required
}

# Dataset that holds the views, as project.dataset.
constant: DATASET {
  value: "my-project.looker_agents"
  export: override_required
}
