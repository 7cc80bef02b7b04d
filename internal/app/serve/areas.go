package serve

import (
	"github.com/rootkeep/rootkeep/internal/web"
	"github.com/rootkeep/rootkeep/internal/web/people"
	"github.com/rootkeep/rootkeep/internal/web/signin"
)

// areas lists the areas of the console and of the API, in the order of the main menu.
func areas(d *deps, ways *signin.SignIn) ([]web.Area, error) {
	list := []func() (web.Area, error){
		func() (web.Area, error) { return startArea(d), nil },
		func() (web.Area, error) {
			return people.Area(people.Config{URL: d.url, Store: d.store, Now: d.now, SignIn: ways, Issuer: d.settings.OpenID.Issuer})
		},
		d.exceptions,
		func() (web.Area, error) { return ways.Area(), nil },
	}
	var out []web.Area
	for _, area := range list {
		a, err := area()
		if err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	return out, nil
}
