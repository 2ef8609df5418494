"""AWS identities of Tempo's and Alloy's pods."""
