"""What this machine has: processor, memory, graphics, disk, and which probe found it."""
