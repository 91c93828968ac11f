"""Chat: the port that platforms implement, what is said through it, and the outbox that makes saying it durable."""
