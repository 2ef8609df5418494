"""The canary: Tempo Vulture, which sends traces through Alloy and looks them up in Tempo."""
