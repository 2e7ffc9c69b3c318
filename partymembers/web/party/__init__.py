"""Pages of branches and members: "1+1", dual check-in, yearly evaluation."""
