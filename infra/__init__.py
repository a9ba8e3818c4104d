"""What stands in the cloud: the Pulumi program."""
