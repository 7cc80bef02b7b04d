// Package sts is the simulated AWS Security Token Service, with AssumeRoot of
// centralized root access.
//
// Source: STS API Reference, version 2011-06-15; IAM User Guide, "Centrally manage root
// access for member accounts" and "Perform a privileged task on an AWS Organizations
// member account".
package sts

import (
	"fmt"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
	"github.com/rootkeep/rootkeep/internal/awssim/totp"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{Name: "sts", Version: "2011-06-15", Protocol: cloud.Query, Operations: []*cloud.Operation{
		cloud.Op("GetCallerIdentity", getCallerIdentity),
		cloud.Op("GetAccessKeyInfo", getAccessKeyInfo),
		cloud.Op("GetSessionToken", getSessionToken, cloud.Reads, cloud.Open),
		cloud.Op("GetFederationToken", getFederationToken, cloud.Reads),
		cloud.Op("AssumeRole", assumeRole, cloud.Reads),
		cloud.Op("AssumeRoot", assumeRoot, cloud.Reads, cloud.Open),
	}}
}

type identityOut struct{ UserId, Account, Arn string }

func getCallerIdentity(c *cloud.Call, _ cloud.None) (identityOut, error) {
	return identityOut{c.Caller.UserID, string(c.Account.ID), c.Caller.ARN}, nil
}

type keyInfoIn struct {
	AccessKeyId string `aws:",must"`
}

type keyInfoOut struct{ Account string }

func getAccessKeyInfo(c *cloud.Call, in keyInfoIn) (keyInfoOut, error) {
	who, _, ok := c.Cloud.KeyOwner(in.AccessKeyId)
	if !ok {
		return keyInfoOut{}, c.Invalid("Invalid length or value for parameter AccessKeyId, value: %s", in.AccessKeyId)
	}
	return keyInfoOut{string(who.Owner.ID)}, nil
}

type credentials struct {
	AccessKeyId     string
	SecretAccessKey string `aws:",secret"`
	SessionToken    string
	Expiration      time.Time
}

func show(cred *cloud.Credential) credentials {
	return credentials{cred.Key, cred.Secret, cred.Token, cred.Expires}
}

// life checks a duration in seconds.
func life(c *cloud.Call, seconds, standard, least, most int) (time.Duration, error) {
	if seconds == 0 {
		seconds = standard
	}
	if seconds < least || seconds > most {
		return 0, c.Invalid("1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value between %d and %d", seconds, least, most)
	}
	return time.Duration(seconds) * time.Second, nil
}

type sessionTokenIn struct {
	DurationSeconds int
	SerialNumber    string
	TokenCode       string `aws:",secret"`
}

type credentialsOut struct{ Credentials credentials }

// getSessionToken needs no permission: it asks for what the caller has already.
func getSessionToken(c *cloud.Call, in sessionTokenIn) (out credentialsOut, err error) {
	who := c.Caller
	if who.Session != nil {
		return out, cloud.Fail("AccessDenied", 403, "Cannot call GetSessionToken with session credentials")
	}
	most := 129600
	if who.Kind == iam.Root {
		most = 3600
	}
	d, err := life(c, in.DurationSeconds, min(43200, most), 900, most)
	if err != nil {
		return out, err
	}
	mfa, err := withMFA(c, in.SerialNumber, in.TokenCode)
	if err != nil {
		return out, err
	}
	who.Session = &cloud.Session{Issued: c.Now, MFA: mfa}
	return credentialsOut{show(c.Cloud.NewSession(who, d))}, nil
}

// withMFA checks the code of a device of the caller. A device that is no virtual one
// shows no code that could be checked, and is refused.
func withMFA(c *cloud.Call, serial, code string) (bool, error) {
	if serial == "" && code == "" {
		return false, nil
	}
	devices := c.Account.Root.MFA
	if c.Caller.User != nil {
		devices = c.Caller.User.MFA
	}
	for _, d := range devices {
		if d.Serial == serial && d.Virtual() && totp.Valid(d.Seed, code, c.Cloud.ClientTime()) {
			return true, nil
		}
	}
	return false, cloud.Fail("AccessDenied", 403, "MultiFactorAuthentication failed with invalid MFA one time pass code.")
}

type sessionPolicies struct {
	Policy     string
	PolicyArns []struct {
		Arn string `aws:"arn"`
	}
}

// texts are the session policies. A session without any is limited by none.
func (p sessionPolicies) texts(c *cloud.Call, owner *cloud.Account) ([]cloud.Text, error) {
	var out []cloud.Text
	if p.Policy != "" {
		if err := cloud.CheckPolicy(iam.Session, p.Policy); err != nil {
			return nil, cloud.Fail("MalformedPolicyDocument", 400, "%v", err)
		}
		out = append(out, cloud.Text{Name: "session policy", Document: p.Policy})
	}
	for _, a := range p.PolicyArns {
		m := owner.InForce(c.Now).Find(a.Arn)
		if m == nil {
			return nil, c.Invalid("policy %s does not exist", a.Arn)
		}
		out = append(out, cloud.Text{Name: a.Arn, Document: m.Default().Document})
	}
	return out, nil
}

type federationIn struct {
	Name            string `aws:",must"`
	DurationSeconds int
	sessionPolicies
	Tags []cloud.Tag
}

// On is the ARN of the federated user.
func (in *federationIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.Account.ARN("sts", "", "federated-user/"+in.Name)}
}

type federationOut struct {
	Credentials   credentials
	FederatedUser struct{ FederatedUserId, Arn string }
}

func getFederationToken(c *cloud.Call, in federationIn) (out federationOut, err error) {
	if c.Caller.Session != nil {
		return out, cloud.Fail("AccessDenied", 403, "Cannot call GetFederationToken with session credentials")
	}
	d, err := life(c, in.DurationSeconds, 43200, 900, 129600)
	if err != nil {
		return out, err
	}
	texts, err := in.texts(c, c.Account)
	if err != nil {
		return out, err
	}
	if len(texts) == 0 { // a federated user without session policies may do nothing
		texts = []cloud.Text{{Name: "none", Document: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`}}
	}
	who := c.Caller
	who.Principal = iam.Principal{Kind: iam.FederatedUser, ARN: c.Account.ARN("sts", "", "federated-user/"+in.Name), Account: c.Account.ID, Name: in.Name, Issuer: c.Caller.ARN}
	who.UserID = string(c.Account.ID) + ":" + in.Name
	who.Session = &cloud.Session{Issued: c.Now, Policies: texts, Tags: cloud.TagMap(in.Tags), Federated: in.Name}
	out.Credentials = show(c.Cloud.NewSession(who, d))
	out.FederatedUser.FederatedUserId, out.FederatedUser.Arn = who.UserID, who.ARN
	return out, nil
}

type assumeRoleIn struct {
	RoleArn         string `aws:",must"`
	RoleSessionName string `aws:",must"`
	DurationSeconds int
	ExternalId      string
	SourceIdentity  string
	SerialNumber    string
	TokenCode       string `aws:",secret"`
	sessionPolicies
	Tags              []cloud.Tag
	TransitiveTagKeys []string
}

// role finds the role that is asked for, as far as it is in force.
func (in *assumeRoleIn) role(c *cloud.Call) (*cloud.Account, *cloud.Role) {
	owner := c.Owner(in.RoleArn)
	if owner == nil {
		return nil, nil
	}
	r := owner.InForce(c.Now).Roles[in.RoleArn[strings.LastIndexByte(in.RoleArn, '/')+1:]]
	if r == nil || r.ARN != in.RoleArn {
		return nil, nil
	}
	return owner, r
}

// On is the role, with its trust policy. A role that is not there has no policy that
// names the caller, so the answer is the same as for one that does not trust it.
func (in *assumeRoleIn) On(c *cloud.Call) cloud.Resource {
	r := cloud.Resource{ARN: in.RoleArn, Keys: map[string][]string{"sts:RoleSessionName": {in.RoleSessionName}}}
	if owner, role := in.role(c); role != nil {
		r.Owner, r.Policies, r.Tags = owner, []cloud.Text{{Name: "trust policy of " + role.Name, Document: role.Trust}}, role.Tags
	}
	if in.ExternalId != "" {
		r.Keys["sts:ExternalId"] = []string{in.ExternalId}
	}
	source := in.SourceIdentity
	if s := c.Caller.Session; s != nil && s.SourceIdentity != "" {
		source = s.SourceIdentity
	}
	if source != "" {
		r.Keys["sts:SourceIdentity"] = []string{source}
	}
	for _, t := range in.Tags {
		r.Keys["aws:RequestTag/"+t.Key] = []string{t.Value}
		r.Keys["aws:TagKeys"] = append(r.Keys["aws:TagKeys"], t.Key)
	}
	if in.TokenCode != "" {
		if ok, _ := withMFA(c, in.SerialNumber, in.TokenCode); ok {
			r.Keys["aws:MultiFactorAuthPresent"], r.Keys["aws:MultiFactorAuthAge"] = []string{"true"}, []string{"0"}
		}
	}
	return r
}

type assumeRoleOut struct {
	Credentials     credentials
	AssumedRoleUser struct{ AssumedRoleId, Arn string }
	SourceIdentity  string
}

// chained is how many seconds a role may be assumed for with a role's credentials.
const chained = 3600

func assumeRole(c *cloud.Call, in assumeRoleIn) (out assumeRoleOut, err error) {
	owner, r := in.role(c)
	if r == nil {
		return out, cloud.Fail("AccessDenied", 403, "User: %s is not authorized to perform: sts:AssumeRole on resource: %s", c.Caller.ARN, in.RoleArn)
	}
	if n := len(in.RoleSessionName); n < 2 || n > 64 {
		return out, c.Invalid("roleSessionName must have 2 to 64 characters")
	}
	most := r.MaxSession
	if c.Caller.Role != nil {
		most = min(most, chained)
	}
	d, err := life(c, in.DurationSeconds, 3600, 900, most)
	if err != nil {
		return out, err
	}
	mfa, err := withMFA(c, in.SerialNumber, in.TokenCode)
	if err != nil {
		return out, err
	}
	texts, err := in.texts(c, owner)
	if err != nil {
		return out, err
	}
	s := &cloud.Session{Issued: c.Now, MFA: mfa, Policies: texts, Tags: cloud.TagMap(in.Tags), Transitive: in.TransitiveTagKeys, SourceIdentity: in.SourceIdentity}
	if err := inherit(s, c.Caller.Session); err != nil {
		return out, err
	}
	who := cloud.RoleCaller(owner, r, in.RoleSessionName)
	who.Session = s
	out.Credentials = show(c.Cloud.NewSession(who, d))
	out.AssumedRoleUser.AssumedRoleId, out.AssumedRoleUser.Arn, out.SourceIdentity = who.UserID, who.ARN, s.SourceIdentity
	return out, nil
}

// inherit passes on what a chain of roles cannot shed: transitive tags and the source
// identity.
func inherit(s, from *cloud.Session) error {
	if from == nil {
		return nil
	}
	for _, key := range from.Transitive {
		if _, again := s.Tags[key]; again {
			return cloud.Fail("InvalidParameterValue", 400, "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		}
		if v, ok := from.Tags[key]; ok {
			s.Tags[key] = v
			s.Transitive = append(s.Transitive, key)
		}
	}
	if from.SourceIdentity == "" {
		return nil
	}
	if s.SourceIdentity != "" && s.SourceIdentity != from.SourceIdentity {
		return cloud.Fail("AccessDenied", 403, "The source identity of a session cannot be changed")
	}
	s.SourceIdentity = from.SourceIdentity
	return nil
}

// target finds the member account that a root session is asked for, by its number or
// the ARN of its root user.
func target(c *cloud.Call, text string) (*cloud.Account, error) {
	id := text
	if a, err := rootkeep.ParseARN(text); err == nil && a.Service == "iam" && a.Resource == "root" {
		id = string(a.Account)
	}
	o := c.Cloud.Organization
	a := c.Cloud.Account(rootkeep.AccountID(id))
	switch {
	case a == nil, !o.Member(a), a.Status != "ACTIVE":
		return nil, fmt.Errorf("%s is no active member account", text)
	case a.ID == o.Management:
		return nil, fmt.Errorf("%s is the management account", text)
	}
	return a, nil
}
