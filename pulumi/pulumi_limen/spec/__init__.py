"""What a stack asks for, as plain values: parsed and checked as a whole before Pulumi hears of anything."""
