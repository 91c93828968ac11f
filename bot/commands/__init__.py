"""Commands: one file per verb, and one way in for all of them: slash commands, buttons, completion, the console's input line."""
