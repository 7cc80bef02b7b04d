package changes_test

import (
	"net/url"
	"slices"
	"testing"

	"github.com/rootkeep/rootkeep/client"
	"github.com/rootkeep/rootkeep/internal/app/alter/altertest"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// TestAChangeThatIsMadeAsRootHasARequest plans one with its request for root and without,
// and wants neither page nor API to ask for it by itself.
func TestAChangeThatIsMadeAsRootHasARequest(t *testing.T) {
	s := start(t)
	a := s.Sim.Cloud.Account(altertest.Management)
	for _, c := range []struct {
		service, operation string
		with               map[string]any
	}{{"organizations", "EnableAWSServiceAccess", map[string]any{"ServicePrincipal": "iam.amazonaws.com"}}, {"iam", "EnableOrganizationsRootCredentialsManagement", nil}} {
		if _, err := s.Sim.Cloud.Invoke(cloud.Invocation{Caller: cloud.UserCaller(a, a.Users["admin"]), Region: "us-east-1", Service: c.service, Operation: c.operation, Parameters: c.with}); err != nil {
			t.Fatal(err)
		}
	}
	body := func(more string) string {
		return `{"kind":"root-credentials-delete","account":"` + string(altertest.Member) + `","parameters":{"unused_for":"0s"}` + more + `}`
	}
	s.want(s.JSON("ann", "POST", api, body("")), 422, "hint: rootkeep root request")
	s.want(s.JSON("ann", "POST", api, body(`,"for":"CH-1"`)), 422, "body.for")
	c := s.plan(body(`,"for":"RR-1M8C41CHRWC8MF"`))
	if c.For != "RR-1M8C41CHRWC8MF" || c.Policy != "root-use" || !slices.Equal(c.May, []string{"replan", "withdraw"}) {
		t.Errorf("got for %s, policy %s, acts %v", c.For, c.Policy, c.May)
	}
	s.want(s.JSON("ann", "POST", api+"/"+c.ID+"/request", hash(c)), 422, "belongs to the request for root RR-1M8C41CHRWC8MF")
	page := s.Get("ann", "/changes/"+c.ID)
	s.want(page, 200, "RR-1M8C41CHRWC8MF asks for it", "Request for root")
	lacks(t, page, "Ask for its approval")
	if list := decode[client.Page[client.AccountChange]](t, s.Get("ann", api+"?for=RR-1M8C41CHRWC8MF")); len(list.Items) != 1 || list.Items[0].ID != c.ID {
		t.Errorf("got %+v, want the one change of the request", list.Items)
	}
	s.want(s.Form("ann", "/changes/"+c.ID+"/withdraw", url.Values{"revision": {"1"}}), 303)
}
