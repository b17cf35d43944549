"""Stand-ins for providers: separate programs that share no code with the gateway."""
