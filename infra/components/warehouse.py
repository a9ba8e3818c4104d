"""The dataset with its tables and views, and who may touch it."""

import json
from collections.abc import Iterable, Mapping, Sequence

import pulumi
import pulumi_gcp as gcp

from infra.definitions import CONVERSATIONS, Table, View

# The dataset of the views that viewers may see.
SHOWN = "{}_views"
VIEWER = "roles/bigquery.dataViewer"
# Tables that hold what people wrote: the ones that may be told to forget.
EXPIRING = frozenset({CONVERSATIONS, "rejects"})
DAY_MILLISECONDS = 86_400_000


class Warehouse(pulumi.ComponentResource):
    """Dataset, tables (protected, kept on destroy) and views (derived, replaceable); a dataset of views for viewers.

    Viewers see the views that hold no message, in a dataset of their own that may read the tables in their stead.

    Attributes:
        dataset: the dataset.
        tables: definition's name -> table.
        views: name -> view.
        grants: what a run needs on the dataset.
    """

    def __init__(
        self,
        *,
        project: str,
        dataset_id: str,
        conversations_id: str,
        location: str,
        tables: Iterable[Table],
        views: Iterable[View],
        writer: pulumi.Input[str],
        viewers_group: str,
        readers_group: str,
        expiration_days: int,
        kms_key: str,
        labels: Mapping[str, str],
        opts: pulumi.ResourceOptions,
    ) -> None:
        super().__init__("sluice:cloud:Warehouse", "warehouse", None, opts)
        self._project, self._conversations, self._kms_key = project, conversations_id, kms_key
        self._expiration_days, self._labels = expiration_days, labels
        self.dataset = self._dataset(dataset_id, location)
        self.grants = [self._grant("writer", "roles/bigquery.dataEditor", writer)]
        readers = [self._grant("readers", VIEWER, f"group:{readers_group}")] if readers_group else []
        self.tables = {table.name: self._table(table) for table in tables}
        self.views: dict[str, gcp.bigquery.Table] = {}
        defined = {view.name: view for view in views}
        for view in defined.values():
            self.views[view.name] = self._view(view, dataset_id)
        if viewers_group:
            self._show(defined, viewers_group, dataset_id, location, [*self.grants, *readers])
        self.register_outputs({"dataset": self.dataset.dataset_id})

    def _show(
        self,
        views: Mapping[str, View],
        group: str,
        dataset_id: str,
        location: str,
        grants: Sequence[pulumi.Resource],
    ) -> None:
        key = gcp.bigquery.DatasetDefaultEncryptionConfigurationArgs(kms_key_name=self._kms_key)
        shown = gcp.bigquery.Dataset(
            "shown",
            project=self._project,
            dataset_id=SHOWN.format(dataset_id),
            location=location,
            description="Views of the conversations that hold no message: what viewers may see.",
            # No data is in it, so it is not protected: taking the group away takes the dataset away.
            labels={**self._labels, "content": "views"},
            delete_contents_on_destroy=False,
            default_encryption_configuration=key if self._kms_key else None,
            opts=pulumi.ResourceOptions(parent=self),
        )
        for view in views.values():
            if view.shown:
                self._shown_view(view, views, dataset_id, shown)
        target = gcp.bigquery.DatasetAccessAuthorizedDatasetDatasetArgs(
            project_id=self._project, dataset_id=shown.dataset_id
        )
        gcp.bigquery.DatasetAccess(
            "shown-access",
            project=self._project,
            dataset_id=self.dataset.dataset_id,
            authorized_dataset=gcp.bigquery.DatasetAccessAuthorizedDatasetArgs(dataset=target, target_types=["VIEWS"]),
            # Some versions of the provider rewrite the access list without this entry when they add a grant.
            opts=pulumi.ResourceOptions(parent=self, depends_on=grants),
        )
        self._grant("viewers", VIEWER, f"group:{group}", shown)

    def _shown_view(
        self, view: View, views: Mapping[str, View], dataset_id: str, shown: gcp.bigquery.Dataset
    ) -> gcp.bigquery.Table:
        query = view.inlined(views, project=self._project, dataset=dataset_id, conversations=self._conversations)
        return gcp.bigquery.Table(
            f"{view.name.replace('_', '-')}-shown",
            project=self._project,
            dataset_id=shown.dataset_id,
            table_id=view.name,
            description=view.description,
            view=gcp.bigquery.TableViewArgs(query=query, use_legacy_sql=False),
            labels=dict(self._labels),
            deletion_protection=False,
            opts=pulumi.ResourceOptions(parent=self, depends_on=list(self.tables.values()), ignore_changes=["schema"]),
        )

    def _dataset(self, dataset_id: str, location: str) -> gcp.bigquery.Dataset:
        key = gcp.bigquery.DatasetDefaultEncryptionConfigurationArgs(kms_key_name=self._kms_key)
        return gcp.bigquery.Dataset(
            "dataset",
            project=self._project,
            dataset_id=dataset_id,
            location=location,
            description="Conversations held with Looker's agents, and the ledger of their ingestion.",
            labels=dict(self._labels),
            delete_contents_on_destroy=False,
            default_encryption_configuration=key if self._kms_key else None,
            opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True),
        )

    def _grant(
        self, name: str, role: str, member: pulumi.Input[str], dataset: gcp.bigquery.Dataset | None = None
    ) -> gcp.bigquery.DatasetIamMember:
        return gcp.bigquery.DatasetIamMember(
            name,
            project=self._project,
            dataset_id=(dataset or self.dataset).dataset_id,
            role=role,
            member=member,
            opts=pulumi.ResourceOptions(parent=self),
        )

    def _table(self, table: Table) -> gcp.bigquery.Table:
        # Stated although the dataset has it as its default: left out, the provider would see a change of key.
        key = gcp.bigquery.TableEncryptionConfigurationArgs(kms_key_name=self._kms_key)
        return gcp.bigquery.Table(
            table.name.replace("_", "-"),
            project=self._project,
            dataset_id=self.dataset.dataset_id,
            table_id=self._conversations if table.name == CONVERSATIONS else table.name,
            description=table.description,
            schema=json.dumps(table.schema),
            time_partitioning=self._partitioning(table),
            clusterings=table.cluster or None,
            labels={**table.labels, **self._labels},
            encryption_configuration=key if self._kms_key else None,
            deletion_protection=True,
            opts=pulumi.ResourceOptions(parent=self, protect=True, retain_on_delete=True),
        )

    def _partitioning(self, table: Table) -> gcp.bigquery.TableTimePartitioningArgs | None:
        if not table.partition:
            return None
        expires = self._expiration_days and table.name in EXPIRING
        return gcp.bigquery.TableTimePartitioningArgs(
            type=table.partition["type"],
            field=table.partition["field"],
            expiration_ms=self._expiration_days * DAY_MILLISECONDS if expires else None,
        )

    def _view(self, view: View, dataset_id: str) -> gcp.bigquery.Table:
        query = view.rendered(project=self._project, dataset=dataset_id, conversations=self._conversations)
        reads = [*self.tables.values(), *(self.views[name] for name in sorted(view.uses))]
        return gcp.bigquery.Table(
            f"{view.name.replace('_', '-')}-view",
            project=self._project,
            dataset_id=self.dataset.dataset_id,
            table_id=view.name,
            description=view.description,
            view=gcp.bigquery.TableViewArgs(query=query, use_legacy_sql=False),
            labels=dict(self._labels),
            deletion_protection=False,
            # BigQuery derives the schema of a view; the provider would see that as a change.
            opts=pulumi.ResourceOptions(parent=self, depends_on=reads, ignore_changes=["schema"]),
        )
