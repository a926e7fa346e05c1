"""The desks that give orders to other nodes, and obey theirs."""
