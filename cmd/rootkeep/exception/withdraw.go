package exception

import (
	"net/http"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
)

func withdrawCommand(s cli.Streams) *cobra.Command {
	var f flags
	c := &cobra.Command{
		Use:     "withdraw ID",
		Short:   "Take an open request back",
		Long:    "Withdraw ends a request that nobody decided yet. Only who made it can, and it is final.",
		Example: "  rootkeep exception withdraw EX-1KB2Z7Q0MX7F3A",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			id, err := requestID(args[0])
			if err != nil {
				return err
			}
			server, err := f.Client()
			if err != nil {
				return err
			}
			read, err := server.Do(c.Context(), client.Call{Path: path(id)}, nil)
			if err != nil {
				return err
			}
			var x client.Exception
			if _, err := server.Do(c.Context(), client.Call{Method: http.MethodPost, Path: path(id) + "/withdrawal", IfMatch: read.ETag}, &x); err != nil {
				return told(err)
			}
			if f.Output == "json" {
				return cli.WriteJSON(s.Out, shown{"rootkeep/exception/1", x})
			}
			return cli.PrintVisible(s.Out, cli.Visible(x.ID+" is "+state(&x))+"\n")
		},
	}
	f.Register(c)
	return c
}
