"""What can generate tokens: one module a library, each imported only in the child that uses it."""
