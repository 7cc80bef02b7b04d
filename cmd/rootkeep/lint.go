package main

import "github.com/spf13/cobra"

func rulesLintCommand(streams) *cobra.Command { return &cobra.Command{Use: "lint"} }
