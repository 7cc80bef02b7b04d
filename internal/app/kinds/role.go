package kinds

import (
	"bytes"
	"encoding/json"

	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/change"
	"github.com/rootkeep/rootkeep/internal/writerole"
)

// Written is a role as `rootkeep role render` writes it.
type Written struct {
	RoleName                 string
	AssumeRolePolicyDocument json.RawMessage
	Policies                 []struct {
		PolicyName     string
		PolicyDocument json.RawMessage
	}
}

// Roles are all roles that the kinds need, entered by the broker: that which plans, and one
// for each class.
func (c *Catalogue) Roles(broker string) ([]Written, error) {
	var out []Written
	for _, class := range append([]string{writerole.Plan}, change.Classes()...) {
		r := writerole.Role{Class: class, Broker: broker}
		if class == writerole.Plan {
			r.Actions, r.Tasks = c.Reading()
		} else if r.Actions, _ = c.Permissions(class); len(r.Actions) == 0 {
			continue
		}
		var text bytes.Buffer
		if err := r.Write(&text, "json"); err != nil {
			return nil, err
		}
		var w Written
		if err := json.Unmarshal(text.Bytes(), &w); err != nil {
			return nil, err
		}
		out = append(out, w)
	}
	return out, nil
}

// Make makes the roles in a simulated account.
func Make(c *cloud.Cloud, a *cloud.Account, roles []Written) error {
	who := cloud.UserCaller(a, a.Users["admin"])
	do := func(operation string, with map[string]any) error {
		_, err := c.Invoke(cloud.Invocation{Caller: who, Region: home, Service: "iam", Operation: operation, Parameters: with})
		return err
	}
	for _, r := range roles {
		if err := do("CreateRole", map[string]any{"RoleName": r.RoleName, "AssumeRolePolicyDocument": string(r.AssumeRolePolicyDocument), "MaxSessionDuration": 3600}); err != nil {
			return err
		}
		for _, p := range r.Policies {
			if err := do("PutRolePolicy", map[string]any{"RoleName": r.RoleName, "PolicyName": p.PolicyName, "PolicyDocument": string(p.PolicyDocument)}); err != nil {
				return err
			}
		}
	}
	return nil
}
