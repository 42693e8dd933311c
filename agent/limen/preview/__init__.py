"""Reports of `pulumi preview --json`: documents -> model -> renderings. Pure; imports the rules only."""
