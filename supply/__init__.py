"""What goes into a release: known holes of packages, risky code, secrets in the tree."""
