package changes_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/rootkeep/rootkeep/internal/store/changes"
)

func TestPagesInABrowser(t *testing.T) {
	s := start(t)
	b := s.Browser(t)
	b.Photograph("ann", "changes-none", "/changes")
	b.Photograph("ann", "change-kinds", "/changes/kinds")
	b.Photograph("ann", "change-kind", "/changes/kinds/group-make")
	b.Photograph("ann", "change-choose", "/changes/new")
	b.Photograph("ann", "change-new", "/changes/new?kind=group-make&account=111111111111")
	at := s.planned(compose("house"))
	b.Photograph("ann", "change-planned", at)
	c := s.approved(password, s.Bob)
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/apply", hash(c)), 200)
	if got := s.Settled(t, c.ID); got.State != changes.Applied {
		t.Fatalf("got %s: %s, want applied", got.State, got.Why)
	}
	b.Photograph("ann", "change-applied", "/changes/"+c.ID)
	undo := s.want(s.Form("ann", "/changes/"+c.ID+"/undo", url.Values{}), 303).Header.Get("Location")
	b.Photograph("ann", "change-undo", undo)
	form := compose("home")
	form.Set("account", "222222222222 111111111111")
	b.Photograph("ann", "change-batch", s.planned(form))
	s.approved(strings.Replace(alias, "house", "inn", 1))
	b.Photograph("ann", "changes", "/changes")
}
