package serve

import (
	"net/http"

	"github.com/rootkeep/rootkeep/internal/people"
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/page"
)

// startArea is the page at / as long as no area gives one.
func startArea() web.Area {
	return web.Area{Name: "start", Routes: []web.Route{{
		Method: "GET", Path: "/{$}", Need: people.Public,
		Handle: func(w http.ResponseWriter, r *http.Request) error {
			return web.Show(w, r, "rootkeep", page.Start())
		},
	}}}
}
