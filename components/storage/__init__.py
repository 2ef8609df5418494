"""The S3 bucket that holds the traces."""
