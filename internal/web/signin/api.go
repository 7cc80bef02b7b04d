package signin

import (
	"context"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web"
)

func (s *SignIn) api(a *web.API) {
	web.Register(a, web.Operation{
		ID: "get-me", Method: "GET", Path: "/me", Summary: "Who makes the request, and what they may do", Tag: "people", Need: people.SignedIn,
	}, func(ctx context.Context, _ *struct{}) (*meOutput, error) {
		a := web.ActorOf(ctx)
		return &meOutput{client.Me{
			ID: a.ID, Name: a.Name, Kind: string(a.Kind), Grants: Grants(a.Grants), Fresh: a.Fresh(s.config.Now(), web.FreshFor),
		}}, nil
	})
}

type meOutput struct{ Body client.Me }

// Grants are roles as the API tells them.
func Grants(grants []people.Grant) []client.Grant {
	out := make([]client.Grant, len(grants))
	for i, g := range grants {
		out[i] = client.Grant{Role: string(g.Role), Scope: string(g.Scope)}
	}
	return out
}
