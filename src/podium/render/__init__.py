"""plans, findings, cards, timelines → text, markdown, json, github annotations."""
