// Package secrets is the simulated AWS Secrets Manager.
//
// Source: AWS Secrets Manager API Reference, version 2017-10-17.
package secrets

import (
	"slices"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "secretsmanager", Protocol: cloud.JSON, JSON: "1.1", Target: "secretsmanager", Codes: cloud.Codes{Invalid: "InvalidParameterException"},
		Operations: []*cloud.Operation{
			cloud.Op("CreateSecret", createSecret),
			cloud.Op("DescribeSecret", describeSecret),
			cloud.Op("ListSecrets", listSecrets),
			cloud.Op("GetSecretValue", getValue),
			cloud.Op("PutSecretValue", putValue),
			cloud.Op("DeleteSecret", deleteSecret),
			cloud.Op("RestoreSecret", restoreSecret),
			cloud.Op("RotateSecret", rotateSecret),
			cloud.Op("CancelRotateSecret", cancelRotation),
			cloud.Op("GetResourcePolicy", getPolicy),
			cloud.Op("PutResourcePolicy", putPolicy),
			cloud.Op("DeleteResourcePolicy", deletePolicy),
			cloud.Op("TagResource", tagSecret),
			cloud.Op("UntagResource", untagSecret),
		},
	}
}

// version is one value of a secret.
type version struct {
	id      string
	text    string
	bytes   []byte
	created time.Time
	stages  []string
}

const (
	current  = "AWSCURRENT"
	previous = "AWSPREVIOUS"
)

type rules struct {
	AutomaticallyAfterDays       int `aws:",omit"`
	Duration, ScheduleExpression string
}

// secret is one secret.
type secret struct {
	name, arn, description, key         string
	owner                               *cloud.Account
	created, changed, accessed, deleted time.Time
	rotated                             time.Time
	rotation                            *rules
	lambda, policy                      string
	tags                                []cloud.Tag
	versions                            []*version
}

// secrets are those of an account in a Region, by name.
type secrets struct{ byName map[string]*secret }

func state(a *cloud.Account, region string) map[string]*secret {
	s := cloud.Regional[secrets](a, region)
	if s.byName == nil {
		s.byName = map[string]*secret{}
	}
	return s.byName
}

type onSecret struct {
	SecretId string `aws:",must"`
}

// find takes a name, an ARN, or an ARN without the six letters at its end.
func (o *onSecret) find(c *cloud.Call) *secret {
	owner, region := c.Account, c.Region
	if a, err := rootkeep.ParseARN(o.SecretId); err == nil {
		if owner = c.Cloud.Account(a.Account); owner == nil {
			return nil
		}
		region = string(a.Region)
	}
	for _, s := range state(owner, region) {
		if o.SecretId == s.name || o.SecretId == s.arn || o.SecretId == s.arn[:len(s.arn)-7] {
			return s
		}
	}
	return nil
}

// On is the secret under its policy.
func (o *onSecret) On(c *cloud.Call) cloud.Resource {
	s := o.find(c)
	if s == nil {
		return cloud.Resource{ARN: c.ARN("secret:" + o.SecretId)}
	}
	r := cloud.Resource{ARN: s.arn, Owner: s.owner, Tags: s.tags}
	if s.policy != "" {
		r.Policies = []cloud.Text{{Name: "secret policy", Document: s.policy}}
	}
	return r
}

func (o *onSecret) secret(c *cloud.Call) (*secret, error) {
	if s := o.find(c); s != nil {
		return s, nil
	}
	return nil, cloud.Fail("ResourceNotFoundException", 400, "Secrets Manager can't find the specified secret.")
}

// live refuses a secret that is marked for deletion.
func (o *onSecret) live(c *cloud.Call) (*secret, error) {
	s, err := o.secret(c)
	if err == nil && !s.deleted.IsZero() {
		return nil, cloud.Fail("InvalidRequestException", 400, "You can't perform this operation on the secret because it was marked for deletion.")
	}
	return s, err
}

type value struct {
	SecretString string `aws:",secret"`
	SecretBinary []byte `aws:",secret"`
}

// add makes a value the current one.
func (s *secret) add(c *cloud.Call, id string, v value) *version {
	if id == "" {
		id = c.Cloud.UUID()
	}
	for _, old := range s.versions {
		switch {
		case slices.Contains(old.stages, current):
			old.stages = []string{previous}
		case slices.Contains(old.stages, previous):
			old.stages = nil
		}
	}
	n := &version{id, v.SecretString, v.SecretBinary, c.Now, []string{current}}
	s.versions, s.changed = append(s.versions, n), c.Now
	return n
}

type createIn struct {
	Name                  string `aws:",must"`
	ClientRequestToken    string
	Description, KmsKeyId string
	value
	Tags []cloud.Tag
}

// On is the ARN that the secret will have, but for its end.
func (in *createIn) On(c *cloud.Call) cloud.Resource {
	return cloud.Resource{ARN: c.ARN("secret:" + in.Name + "-??????")}
}

type secretOut struct{ ARN, Name, VersionId string }

func createSecret(c *cloud.Call, in createIn) (out secretOut, err error) {
	named := onSecret{in.Name}
	switch {
	case named.find(c) != nil:
		return out, cloud.Fail("ResourceExistsException", 400, "The operation failed because the secret %s already exists.", in.Name)
	case len(in.Name) > 512 || strings.Trim(strings.ToLower(in.Name), "abcdefghijklmnopqrstuvwxyz0123456789/_+=.@-") != "":
		return out, c.Invalid("Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!")
	}
	s := &secret{
		name: in.Name, arn: c.ARN("secret:" + in.Name + "-" + c.Cloud.Word(6)), description: in.Description, key: in.KmsKeyId, owner: c.Account, created: c.Now, changed: c.Now,
		tags: in.Tags,
	}
	out = secretOut{ARN: s.arn, Name: s.name}
	if in.SecretString != "" || len(in.SecretBinary) > 0 {
		out.VersionId = s.add(c, in.ClientRequestToken, in.value).id
	}
	state(c.Account, c.Region)[s.name] = s
	return out, nil
}

type shape struct {
	ARN, Name, Description, KmsKeyId                                             string
	RotationEnabled                                                              bool
	RotationLambdaARN                                                            string
	RotationRules                                                                *rules
	CreatedDate, LastRotatedDate, LastChangedDate, LastAccessedDate, DeletedDate time.Time
	NextRotationDate                                                             time.Time
	Tags                                                                         []cloud.Tag `aws:",omit"`
	VersionIdsToStages, SecretVersionsToStages                                   map[string][]string
}

func (s *secret) show() shape {
	out := shape{
		ARN: s.arn, Name: s.name, Description: s.description, KmsKeyId: s.key, RotationEnabled: s.rotation != nil, RotationLambdaARN: s.lambda, RotationRules: s.rotation,
		CreatedDate: s.created, LastRotatedDate: s.rotated, LastChangedDate: s.changed, LastAccessedDate: s.accessed, DeletedDate: s.deleted, Tags: s.tags,
	}
	if s.rotation != nil && s.rotation.AutomaticallyAfterDays > 0 {
		out.NextRotationDate = s.rotated.AddDate(0, 0, s.rotation.AutomaticallyAfterDays)
	}
	return out
}

func (s *secret) stages() map[string][]string {
	out := map[string][]string{}
	for _, v := range s.versions {
		if len(v.stages) > 0 {
			out[v.id] = v.stages
		}
	}
	return out
}

func describeSecret(c *cloud.Call, in onSecret) (out shape, err error) {
	s, err := in.secret(c)
	if err != nil {
		return out, err
	}
	out = s.show()
	out.VersionIdsToStages = s.stages()
	return out, nil
}

type listIn struct {
	IncludePlannedDeletion bool
	MaxResults             int
	NextToken              string
	Filters                []struct {
		Key    string
		Values []string
	}
}

type listOut struct {
	SecretList []shape
	NextToken  string
}

// wants applies the filters; values match as prefixes, as AWS's do.
func (in *listIn) wants(c *cloud.Call, s *secret) (bool, error) {
	if !s.deleted.IsZero() && !in.IncludePlannedDeletion {
		return false, nil
	}
	for _, f := range in.Filters {
		var have []string
		switch f.Key {
		case "name":
			have = []string{s.name}
		case "description":
			have = []string{s.description}
		case "tag-key", "tag-value":
			for _, t := range s.tags {
				have = append(have, map[string]string{"tag-key": t.Key, "tag-value": t.Value}[f.Key])
			}
		default:
			return false, c.Invalid("the simulator has no filter %s", f.Key)
		}
		if !slices.ContainsFunc(have, func(h string) bool {
			return slices.ContainsFunc(f.Values, func(v string) bool { return strings.HasPrefix(h, v) })
		}) {
			return false, nil
		}
	}
	return true, nil
}

func listSecrets(c *cloud.Call, in listIn) (out listOut, err error) {
	var all []shape
	for _, s := range cloud.Sorted(state(c.Account, c.Region)) {
		wanted, err := in.wants(c, s)
		if err != nil {
			return out, err
		}
		if wanted {
			one := s.show()
			one.SecretVersionsToStages = s.stages()
			all = append(all, one)
		}
	}
	out.SecretList, out.NextToken, err = cloud.Page(c, all, in.NextToken, in.MaxResults, 100, 100)
	return out, err
}

type getValueIn struct {
	onSecret
	VersionId, VersionStage string
}

type valueOut struct {
	ARN, Name, VersionId string
	value
	VersionStages []string
	CreatedDate   time.Time
}

func getValue(c *cloud.Call, in getValueIn) (out valueOut, err error) {
	s, err := in.live(c)
	if err != nil {
		return out, err
	}
	if in.VersionStage == "" && in.VersionId == "" {
		in.VersionStage = current
	}
	for _, v := range s.versions {
		if (in.VersionId == "" || v.id == in.VersionId) && (in.VersionStage == "" || slices.Contains(v.stages, in.VersionStage)) {
			s.accessed = c.Now.Truncate(24 * time.Hour)
			return valueOut{s.arn, s.name, v.id, value{v.text, v.bytes}, v.stages, v.created}, nil
		}
	}
	return out, cloud.Fail("ResourceNotFoundException", 400, "Secrets Manager can't find the specified secret value for staging label: %s", in.VersionStage)
}

type putValueIn struct {
	onSecret
	ClientRequestToken string
	value
}

type putValueOut struct {
	secretOut
	VersionStages []string
}

func putValue(c *cloud.Call, in putValueIn) (out putValueOut, err error) {
	s, err := in.live(c)
	if err != nil {
		return out, err
	}
	v := s.add(c, in.ClientRequestToken, in.value)
	return putValueOut{secretOut{s.arn, s.name, v.id}, v.stages}, nil
}

type deleteIn struct {
	onSecret
	RecoveryWindowInDays       int
	ForceDeleteWithoutRecovery bool
}

type deleteOut struct {
	ARN, Name    string
	DeletionDate time.Time
}

func deleteSecret(c *cloud.Call, in deleteIn) (out deleteOut, err error) {
	s, err := in.live(c)
	if err != nil {
		return out, err
	}
	if in.RecoveryWindowInDays == 0 {
		in.RecoveryWindowInDays = 30
	}
	if in.RecoveryWindowInDays < 7 || in.RecoveryWindowInDays > 30 {
		return out, c.Invalid("RecoveryWindowInDays must be 7 to 30")
	}
	if in.ForceDeleteWithoutRecovery {
		delete(state(s.owner, c.Region), s.name)
		return deleteOut{s.arn, s.name, c.Now}, nil
	}
	s.deleted = c.Now.AddDate(0, 0, in.RecoveryWindowInDays)
	return deleteOut{s.arn, s.name, s.deleted}, nil
}

func restoreSecret(c *cloud.Call, in onSecret) (out secretOut, err error) {
	s, err := in.secret(c)
	if err != nil {
		return out, err
	}
	s.deleted = time.Time{}
	return secretOut{ARN: s.arn, Name: s.name}, nil
}
