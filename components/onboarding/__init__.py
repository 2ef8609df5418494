"""What an application is given so that its spans arrive: environment, annotations, ConfigMap."""
