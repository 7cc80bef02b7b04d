package serve

import (
	"context"

	"github.com/rootkeep/rootkeep/internal/app/archive"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/store"
	"github.com/rootkeep/rootkeep/internal/store/posture"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// mostOffered bounds a list of accounts to choose from. Whoever wants another one types
// a payload.
const mostOffered = 1000

// scanInputs are what a scan reads: whoever may ask for one may read everything.
func (h *house) scanInputs(ctx context.Context, r *store.Reader) ([]page.Input, error) {
	accounts, err := knownAccounts(ctx, r)
	if err != nil {
		return nil, err
	}
	out := []page.Input{{Name: "organization", Label: "All accounts of the organization", Kind: "checkbox", Checked: true, Hint: "Without it, the account of the server's own credentials alone"}}
	if len(accounts) > 0 {
		out = append(out,
			page.Input{Name: "accounts", Label: "Only these accounts", Kind: "many", Options: accounts, Hint: "None chosen: all"},
			page.Input{Name: "skip", Label: "But not these", Kind: "many", Options: accounts},
		)
	}
	return out, nil
}

func knownAccounts(ctx context.Context, r *store.Reader) ([]page.Option, error) {
	_, accounts, err := known(ctx, r)
	return options(accounts), err
}

// scopes are what a role may be granted at: units, then accounts. Whoever grants one
// keeps people everywhere, and may see all of them.
func scopes(ctx context.Context, r *store.Reader) ([]page.Option, error) {
	units, accounts, err := known(ctx, r)
	return append(options(units), options(accounts)...), err
}

func known(ctx context.Context, r *store.Reader) (units, accounts []posture.Named, err error) {
	reader := people.SystemActor
	reader.Grants = []people.Grant{{Role: people.Viewer, Scope: people.Everywhere}}
	sight, err := posture.SightOf(ctx, r, reader)
	if err != nil {
		return nil, nil, err
	}
	return posture.Choices(ctx, r, sight, mostOffered)
}

func options(list []posture.Named) []page.Option {
	var out []page.Option
	for _, n := range list {
		o := page.Option{Value: n.ID, Text: n.ID}
		if n.Name != "" {
			o.Text += " " + n.Name
		}
		out = append(out, o)
	}
	return out
}

// huntInputs are the places of logs that the settings name.
func (h *house) huntInputs(context.Context, *store.Reader) ([]page.Input, error) {
	places, err := archive.Read(h.settings.Hunts)
	if err != nil {
		return nil, err
	}
	in := page.Input{Name: "logs", Label: "Logs", Kind: "select", Hint: "The file of the setting hunts names the places"}
	for _, l := range places {
		in.Options = append(in.Options, page.Option{Value: l.Name, Text: l.Name})
	}
	if len(places) == 0 {
		in.Options = []page.Option{{Text: "none is named yet"}}
		in.Hint = "Name places of logs in a file, and that file in the server's setting hunts"
	}
	return []page.Input{in}, nil
}
