"""The only wiring: settings in, components in order, outputs out."""

from pathlib import Path

import pulumi

from infra import checks, definitions, source
from infra.components.encryption import Encryption
from infra.components.handler import Handler
from infra.components.identity import Identity
from infra.components.observability import Observability
from infra.components.schedule import Schedule
from infra.components.secrets import Secrets
from infra.components.services import Services
from infra.components.warehouse import Warehouse
from infra.outputs import export
from infra.propagation import retry_what_propagates
from infra.settings import Settings


def deploy(root: Path = definitions.ROOT) -> None:
    """Declare everything the function below `root` needs, as the stack's configuration says.

    Raises:
        ConfigError, DefinitionError, SourceError: before anything is declared.
    """
    retry_what_propagates()
    settings = Settings.load(root / "sql")
    function, options = settings.function, settings.options
    for doubt in checks.doubts(function, settings.region):
        pulumi.warn(doubt)
    tables, views = definitions.tables(root / "sql"), definitions.views(root / "sql")
    code = source.read(root)

    services = Services(
        project=settings.project, encrypted=bool(options.kms_key), connected=bool(options.vpc_connector)
    )
    enabled = pulumi.ResourceOptions(depends_on=[services])
    identity = Identity(project=settings.project, name=settings.name, opts=enabled)
    ready = pulumi.ResourceOptions(depends_on=[services])
    if options.kms_key:
        encryption = Encryption(project=settings.project, kms_key=options.kms_key, opts=enabled)
        ready = pulumi.ResourceOptions(depends_on=[services, *encryption.grants])
    warehouse = Warehouse(
        project=settings.project,
        dataset_id=function.bq_dataset,
        conversations_id=function.bq_table,
        location=function.bq_location,
        tables=tables,
        views=views,
        writer=identity.runtime.member,
        viewers_group=options.viewers_group,
        readers_group=options.readers_group,
        expiration_days=options.partition_expiration_days,
        kms_key=options.kms_key,
        labels=settings.labels,
        opts=ready,
    )
    secrets = Secrets(
        project=settings.project,
        name=settings.name,
        region=settings.region,
        values=settings.secrets,
        reader=identity.runtime.member,
        kms_key=options.kms_key,
        labels=settings.labels,
        opts=ready,
    )
    handler = Handler(
        project=settings.project,
        name=settings.name,
        region=settings.region,
        source=code,
        build=identity.build,
        runtime=identity.runtime,
        invoker=identity.invoker.member,
        environment=settings.environment,
        secrets=secrets.pinned,
        cpu=options.function_cpu,
        memory=options.function_memory,
        timeout_seconds=options.function_timeout_seconds,
        vpc_connector=options.vpc_connector,
        vpc_network=options.vpc_network,
        vpc_subnet=options.vpc_subnet,
        vpc_egress=options.vpc_egress,
        kms_key=options.kms_key,
        labels=settings.labels,
        grants=[*identity.build_grants, *identity.runtime_grants, *warehouse.grants, *secrets.grants],
        opts=ready,
    )
    schedule = Schedule(
        project=settings.project,
        name=settings.name,
        region=settings.region,
        url=handler.url,
        invoker=identity.invoker,
        cron=options.schedule,
        time_zone=options.time_zone,
        paused=options.paused,
        opts=enabled,
    )
    observability = Observability(
        project=settings.project,
        name=settings.name,
        email=options.notification_email,
        channels=options.channels,
        no_success_hours=options.alert_no_success_hours,
        partial_runs=options.alert_partial_runs,
        reject_percent=options.alert_reject_percent,
        labels=settings.labels,
        opts=enabled,
    )
    export(settings, identity, warehouse, handler, schedule, observability)
