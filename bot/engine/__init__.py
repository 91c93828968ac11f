"""The engine at work, in a process of its own: asked by messages, answered with what there is to write. No storage, no chat."""
