"""Pure: what a playbook may say, and which of its steps are due at an instant."""
