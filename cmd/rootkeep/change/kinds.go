package change

import (
	"net/url"

	"github.com/spf13/cobra"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/cmd/rootkeep/cli"
	"github.com/rootkeep/rootkeep/internal/web/changes"
)

// kindFlags say whose kinds are told: a server may have others than this program.
type kindFlags struct {
	catalogueFlags
	cli.Connection
	local bool
}

func (f *kindFlags) register(c *cobra.Command) {
	f.catalogueFlags.register(c)
	f.Connection.Register(c)
	c.Flags().BoolVar(&f.local, "local", false, "the kinds of this program, even if a server is named")
}

// thisProgram is what was asked where no server was.
const thisProgram = "this program"

// asks gives the server that is to be asked, nil for none.
func (f *kindFlags) asks(c *cobra.Command) (*client.Client, error) {
	switch named := c.Flags().Changed("server"); {
	case named && (f.local || len(f.dirs) > 0):
		return nil, cli.Usage("--server: a server has kinds of its own, so that it does not go with --local and --changes")
	case f.local || len(f.dirs) > 0 || !f.Named():
		return nil, nil
	}
	if err := cli.OutputIs(f.output); err != nil {
		return nil, err
	}
	return f.Connection.Client()
}

// all gives every kind, whom it asked for them, and the exit codes that apply.
func (f *kindFlags) all(c *cobra.Command, s cli.Streams) (views []client.ChangeKind, asked string, codes []int, err error) {
	server, err := f.asks(c)
	if err != nil {
		return nil, "", nil, err
	}
	if server != nil {
		list, err := client.Get[client.ChangeKinds](c.Context(), server, "/changes/kinds", nil)
		return list.Kinds, server.Server(), []int{}, err
	}
	catalogue, codes, err := f.load(s, false)
	if err != nil {
		return nil, "", nil, err
	}
	for _, k := range catalogue.Kinds {
		views = append(views, changes.KindOf(k))
	}
	return views, thisProgram, codes, nil
}

// one gives the kind of that ID, as all does.
func (f *kindFlags) one(c *cobra.Command, s cli.Streams, id string) (v client.ChangeKind, asked string, codes []int, err error) {
	server, err := f.asks(c)
	if err != nil {
		return v, "", nil, err
	}
	if server != nil {
		v, err = client.Get[client.ChangeKind](c.Context(), server, "/changes/kinds/"+url.PathEscape(id), nil)
		if client.Is(err, "not-found") {
			err = cli.Usage("kind of change %q does not exist on %s; hint: rootkeep change list", id, server)
		}
		return v, server.Server(), []int{}, err
	}
	catalogue, codes, err := f.load(s, false)
	if err != nil {
		return v, "", nil, err
	}
	k, err := find(catalogue, id)
	if err != nil {
		return v, "", nil, err
	}
	return changes.KindOf(k), thisProgram, codes, nil
}
