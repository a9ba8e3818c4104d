"""What `pulumi stack output` tells: names, addresses, and the commands to try it."""

import pulumi

from infra.components.handler import Handler
from infra.components.identity import Identity
from infra.components.observability import Observability
from infra.components.schedule import Schedule
from infra.components.warehouse import Warehouse
from infra.settings import Settings


def export(
    settings: Settings,
    identity: Identity,
    warehouse: Warehouse,
    handler: Handler,
    schedule: Schedule,
    observability: Observability,
) -> None:
    """Export the stack's outputs; none is a secret."""
    pulumi.export("function_url", handler.url)
    pulumi.export("dataset", pulumi.Output.format("{0}.{1}", settings.project, warehouse.dataset.dataset_id))
    pulumi.export("tables", {name: table.table_id for name, table in warehouse.tables.items()})
    pulumi.export("views", {name: view.table_id for name, view in warehouse.views.items()})
    pulumi.export(
        "service_accounts",
        {purpose: getattr(identity, purpose).email for purpose in ("runtime", "build", "invoker")},
    )
    pulumi.export("scheduler_job", schedule.job.id)
    pulumi.export(
        "dashboard",
        pulumi.Output.format(
            "https://console.cloud.google.com/monitoring/dashboards/builder/{0}?project={1}",
            observability.dashboard.id.apply(lambda path: path.rsplit("/", 1)[-1]),
            settings.project,
        ),
    )
    pulumi.export(
        "run_daily",
        pulumi.Output.format(
            "gcloud scheduler jobs run {0} --location={1} --project={2}",
            schedule.job.name,
            settings.region,
            settings.project,
        ),
    )
    pulumi.export(
        "curl_daily",
        pulumi.Output.format(
            'curl --fail-with-body --max-time 1800 -X POST -H "Authorization: Bearer $(gcloud auth '
            'print-identity-token --impersonate-service-account={0} --audiences={1})" {1}/daily',
            identity.invoker.email,
            handler.url,
        ),
    )
    pulumi.export(
        "results_sql",
        pulumi.Output.format(
            "SELECT * FROM `{0}.{1}.sync_runs` ORDER BY recorded_at DESC LIMIT 20",
            settings.project,
            warehouse.dataset.dataset_id,
        ),
    )
