package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
)

// Read reads one dump: the whole answer of the AWS CLI, or the pages of the API one
// after the other. The error says that the input is no such dump, with the byte
// offset where that showed; what is wrong with a single policy is a Problem instead.
func Read(r io.Reader) (*Account, error) {
	d := json.NewDecoder(r)
	b := builder{
		account: &Account{}, texts: map[string]*iam.Policy{}, managed: map[string]*Managed{}, groups: map[groupKey]*Group{}, owners: map[rootkeep.AccountID]int{},
	}
	for pages := 0; ; pages++ {
		err := b.page(d)
		if errors.Is(err, io.EOF) && pages > 0 {
			break
		}
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, fmt.Errorf("account authorization details, offset %d: %w; hint: aws iam get-account-authorization-details --output json", d.InputOffset(), err)
		}
	}
	if !b.any {
		return nil, errors.New("account authorization details: none of UserDetailList, RoleDetailList, GroupDetailList, Policies is there; hint: aws iam get-account-authorization-details --output json")
	}
	return b.finish()
}

// The shapes of GetAccountAuthorizationDetails, as far as they are used. Fields that
// newer versions of the API add are passed over.
type (
	userDetail struct {
		Path, UserName, UserId, Arn string
		CreateDate                  moment
		UserPolicyList              []inlinePolicy
		GroupList                   []string
		AttachedManagedPolicies     []attachedPolicy
		PermissionsBoundary         boundary
		Tags                        []Tag
	}
	roleDetail struct {
		Path, RoleName, RoleId, Arn string
		CreateDate                  moment
		AssumeRolePolicyDocument    document
		InstanceProfileList         []struct{ Arn string }
		RolePolicyList              []inlinePolicy
		AttachedManagedPolicies     []attachedPolicy
		PermissionsBoundary         boundary
		Tags                        []Tag
		RoleLastUsed                struct{ LastUsedDate moment }
	}
	groupDetail struct {
		GroupName, Arn          string
		GroupPolicyList         []inlinePolicy
		AttachedManagedPolicies []attachedPolicy
	}
	policyDetail struct {
		Arn               string
		DefaultVersionId  string
		PolicyVersionList []struct {
			VersionId        string
			IsDefaultVersion bool
			Document         document
		}
	}
	inlinePolicy struct {
		PolicyName     string
		PolicyDocument document
	}
	attachedPolicy struct{ PolicyArn string }
	boundary       struct{ PermissionsBoundaryArn string }
)

// document is the text of a policy: the CLI prints it as an object, the API as text
// in URL encoding.
type document []byte

func (d *document) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '"' {
		*d = slices.Clone(b)
		return nil
	}
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if !strings.HasPrefix(strings.TrimSpace(s), "{") {
		if plain, err := url.PathUnescape(s); err == nil {
			s = plain
		}
	}
	*d = document(s)
	return nil
}

// moment is a time as the CLI, the API or a program in Python writes it. One that
// cannot be read is zero: no answer rests on it.
type moment struct{ time.Time }

func (m *moment) UnmarshalJSON(b []byte) error {
	var s string
	if json.Unmarshal(b, &s) != nil {
		return nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			m.Time = t.UTC()
			return nil
		}
	}
	return nil
}

// page reads one object; io.EOF says that there is none.
func (b *builder) page(d *json.Decoder) error {
	start, err := d.Token()
	if err != nil {
		return err
	}
	if start != json.Delim('{') {
		return fmt.Errorf("got %v, want an object", start)
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		switch key {
		case "UserDetailList":
			err = list(d, b.user)
		case "RoleDetailList":
			err = list(d, b.role)
		case "GroupDetailList":
			err = list(d, b.group)
		case "Policies":
			err = list(d, b.policy)
		default:
			var skipped json.RawMessage
			if err := d.Decode(&skipped); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("%v: %w", key, err)
		}
		b.any = true
	}
	_, err = d.Token()
	return err
}

// list reads a list, one element in memory at a time.
func list[T any](d *json.Decoder, take func(T)) error {
	start, err := d.Token()
	if err != nil {
		return err
	}
	if start != json.Delim('[') {
		return fmt.Errorf("got %v, want a list", start)
	}
	for d.More() {
		var v T
		if err := d.Decode(&v); err != nil {
			return err
		}
		take(v)
	}
	_, err = d.Token()
	return err
}
