"""What a site.toml may say: one dataclass a table, stdlib only; `core.site.load` fills them."""
