// Package kms is the simulated AWS Key Management Service: symmetric keys with their
// policies, aliases, rotation, deletion; encryption with AES-GCM.
//
// Source: AWS KMS API Reference, version 2014-11-01.
package kms

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
	"github.com/rootkeep/rootkeep/iam"
	"github.com/rootkeep/rootkeep/internal/awssim/cloud"
)

// Service lists the operations.
func Service() *cloud.Service {
	return &cloud.Service{
		Name: "kms", Protocol: cloud.JSON, JSON: "1.1", Target: "TrentService", Codes: cloud.Codes{Token: "InvalidMarkerException"},
		Operations: []*cloud.Operation{
			cloud.Op("CreateKey", createKey),
			cloud.Op("DescribeKey", describeKey),
			cloud.Op("ListKeys", listKeys),
			cloud.Op("GetKeyPolicy", getPolicy),
			cloud.Op("PutKeyPolicy", putPolicy),
			cloud.Op("GetKeyRotationStatus", getRotation),
			cloud.Op("EnableKeyRotation", enableRotation),
			cloud.Op("DisableKeyRotation", disableRotation),
			cloud.Op("EnableKey", switchKey("Enabled")),
			cloud.Op("DisableKey", switchKey("Disabled")),
			cloud.Op("ScheduleKeyDeletion", scheduleDeletion),
			cloud.Op("CancelKeyDeletion", cancelDeletion),
			cloud.Op("CreateAlias", createAlias),
			cloud.Op("DeleteAlias", deleteAlias),
			cloud.Op("ListAliases", listAliases),
			cloud.Op("ListResourceTags", listTags),
			cloud.Op("Encrypt", encrypt, cloud.Reads),
			cloud.Op("Decrypt", decrypt, cloud.Reads),
			cloud.Op("GenerateDataKey", generateDataKey, cloud.Reads),
		},
	}
}

type tag struct{ TagKey, TagValue string }

// key is one key.
type key struct {
	id, arn, description, usage, spec string
	owner                             *cloud.Account
	created, deletion                 time.Time
	state                             string // Enabled, Disabled, PendingDeletion
	policy                            string
	rotation                          int // days, 0: off
	rotated                           time.Time
	multiRegion                       bool
	tags                              []tag
	secret                            []byte
}

// keys are those of an account in a Region, by ID, and their aliases.
type keys struct {
	byID    map[string]*key
	aliases map[string]*alias
}

type alias struct {
	name, target string
	created      time.Time
}

func state(a *cloud.Account, region string) *keys {
	s := cloud.Regional[keys](a, region)
	if s.byID == nil {
		s.byID, s.aliases = map[string]*key{}, map[string]*alias{}
	}
	return s
}

// find takes a key's ID or ARN, or an alias or its ARN.
func find(c *cloud.Call, name string) *key {
	owner, region := c.Account, c.Region
	if a, err := rootkeep.ParseARN(name); err == nil {
		if owner = c.Cloud.Account(a.Account); owner == nil {
			return nil
		}
		region, name = string(a.Region), strings.TrimPrefix(a.Resource, "key/")
	}
	s := state(owner, region)
	if a := s.aliases[name]; a != nil {
		name = a.target
	}
	k := s.byID[name]
	if k != nil && k.state == "PendingDeletion" && !c.Now.Before(k.deletion) {
		delete(s.byID, k.id)
		return nil
	}
	return k
}

type onKey struct {
	KeyId string `aws:",must"`
}

// On is the key under its policy.
func (o *onKey) On(c *cloud.Call) cloud.Resource { return resource(c, o.KeyId) }

func resource(c *cloud.Call, name string) cloud.Resource {
	k := find(c, name)
	if k == nil {
		return cloud.Resource{ARN: "*"}
	}
	r := cloud.Resource{ARN: k.arn, Owner: k.owner, Policies: []cloud.Text{{Name: "key policy", Document: k.policy}}}
	for _, t := range k.tags {
		r.Tags = append(r.Tags, cloud.Tag{Key: t.TagKey, Value: t.TagValue})
	}
	return r
}

// ServiceMay gives the ARN of a key, "" if there is none, its state, and whether its
// policy lets an AWS service, such as cloudtrail.amazonaws.com, do something with it.
func ServiceMay(c *cloud.Call, service, name, action string, keys map[string][]string) (arn, state string, may bool) {
	k := find(c, name)
	if k == nil {
		return "", "", false
	}
	r := resource(c, name)
	r.Keys = keys
	return k.arn, k.state, c.Cloud.ServiceMay(service, action, r)
}

func (o *onKey) key(c *cloud.Call) (*key, error) {
	if k := find(c, o.KeyId); k != nil {
		return k, nil
	}
	return nil, cloud.Fail("NotFoundException", 400, "Key '%s' does not exist", o.KeyId)
}

// usable is like key, for operations that want an enabled one.
func (o *onKey) usable(c *cloud.Call) (*key, error) {
	k, err := o.key(c)
	switch {
	case err != nil:
		return nil, err
	case k.state == "Disabled":
		return nil, cloud.Fail("DisabledException", 400, "%s is disabled.", k.arn)
	case k.state != "Enabled":
		return nil, invalidState(k)
	}
	return k, nil
}

func invalidState(k *key) error {
	return cloud.Fail("KMSInvalidStateException", 400, "%s is pending deletion.", k.arn)
}

type metadata struct {
	AWSAccountId, KeyId, Arn, Description, KeyUsage, KeyState, Origin, KeyManager, CustomerMasterKeySpec, KeySpec string
	CreationDate, DeletionDate                                                                                    time.Time
	Enabled, MultiRegion                                                                                          bool
	EncryptionAlgorithms                                                                                          []string `aws:",omit"`
}

func (k *key) show() metadata {
	return metadata{
		AWSAccountId: string(k.owner.ID), KeyId: k.id, Arn: k.arn, Description: k.description, KeyUsage: k.usage, KeyState: k.state, Origin: "AWS_KMS", KeyManager: "CUSTOMER",
		CustomerMasterKeySpec: k.spec, KeySpec: k.spec, CreationDate: k.created, DeletionDate: k.deletion, Enabled: k.state == "Enabled", MultiRegion: k.multiRegion,
		EncryptionAlgorithms: []string{"SYMMETRIC_DEFAULT"},
	}
}

type createIn struct {
	Policy, Description            string
	KeyUsage, KeySpec              string
	BypassPolicyLockoutSafetyCheck bool
	MultiRegion                    bool
	Tags                           []tag
}

type keyOut struct{ KeyMetadata metadata }

// ownPolicy is the policy of a key that is made without one.
func ownPolicy(a *cloud.Account) string {
	text, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Id": "key-default-1", "Statement": []any{map[string]any{
		"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": map[string]string{"AWS": a.IAM("root")}, "Action": "kms:*", "Resource": "*",
	}}})
	return string(text)
}

func createKey(c *cloud.Call, in createIn) (out keyOut, err error) {
	if in.KeyUsage != "" && in.KeyUsage != "ENCRYPT_DECRYPT" || in.KeySpec != "" && in.KeySpec != "SYMMETRIC_DEFAULT" {
		return out, cloud.Fail("UnsupportedOperationException", 400, "The simulator has symmetric encryption keys alone")
	}
	if in.Policy == "" {
		in.Policy = ownPolicy(c.Account)
	}
	k := &key{
		id: c.Cloud.UUID(), description: in.Description, usage: "ENCRYPT_DECRYPT", spec: "SYMMETRIC_DEFAULT", owner: c.Account, created: c.Now, state: "Enabled",
		multiRegion: in.MultiRegion, tags: in.Tags, secret: []byte(c.Cloud.Secret(32)),
	}
	if in.MultiRegion {
		k.id = "mrk-" + c.Cloud.Hex(32)
	}
	k.arn = c.ARN("key/" + k.id)
	if err := k.setPolicy(c, in.Policy, in.BypassPolicyLockoutSafetyCheck); err != nil {
		return out, err
	}
	state(c.Account, c.Region).byID[k.id] = k
	return keyOut{k.show()}, nil
}

// setPolicy keeps a policy that leaves the caller able to change it again.
func (k *key) setPolicy(c *cloud.Call, text string, bypass bool) error {
	if err := cloud.CheckPolicy(iam.Resource, text); err != nil {
		return cloud.Fail("MalformedPolicyDocumentException", 400, "%v", err)
	}
	r := cloud.Resource{ARN: k.arn, Owner: k.owner, Policies: []cloud.Text{{Name: "key policy", Document: text}}}
	if !bypass && c.Authorize("kms:PutKeyPolicy", r) != nil {
		return cloud.Fail("MalformedPolicyDocumentException", 400, "The new key policy will not allow you to update the key policy in the future.")
	}
	k.policy = text
	return nil
}

func describeKey(c *cloud.Call, in onKey) (out keyOut, err error) {
	k, err := in.key(c)
	if err != nil {
		return out, err
	}
	return keyOut{k.show()}, nil
}

type paged struct {
	Limit  int
	Marker string
}

type page struct {
	NextMarker string
	Truncated  bool
}

func cut[T any](c *cloud.Call, p paged, all []T) ([]T, page, error) {
	part, next, err := cloud.Page(c, all, p.Marker, p.Limit, 100, 1000)
	return part, page{next, next != ""}, err
}

type listed struct{ KeyId, KeyArn string }

type listOut struct {
	Keys []listed
	page
}

func listKeys(c *cloud.Call, in paged) (out listOut, err error) {
	var all []listed
	for _, k := range cloud.Sorted(state(c.Account, c.Region).byID) {
		all = append(all, listed{k.id, k.arn})
	}
	out.Keys, out.page, err = cut(c, in, all)
	return out, err
}

type policyIn struct {
	onKey
	PolicyName string
}

type policyOut struct{ Policy, PolicyName string }

func getPolicy(c *cloud.Call, in policyIn) (out policyOut, err error) {
	k, err := in.key(c)
	if err != nil {
		return out, err
	}
	return policyOut{k.policy, "default"}, nil
}

type putPolicyIn struct {
	policyIn
	Policy                         string `aws:",must"`
	BypassPolicyLockoutSafetyCheck bool
}

func putPolicy(c *cloud.Call, in putPolicyIn) (cloud.None, error) {
	k, err := in.key(c)
	if err == nil {
		err = k.setPolicy(c, in.Policy, in.BypassPolicyLockoutSafetyCheck)
	}
	return cloud.None{}, err
}

type rotationOut struct {
	KeyId                string
	KeyRotationEnabled   bool
	RotationPeriodInDays int `aws:",omit"`
	NextRotationDate     time.Time
}

func getRotation(c *cloud.Call, in onKey) (out rotationOut, err error) {
	k, err := in.key(c)
	if err != nil {
		return out, err
	}
	out = rotationOut{KeyId: k.arn, KeyRotationEnabled: k.rotation > 0, RotationPeriodInDays: k.rotation}
	if k.rotation > 0 {
		out.NextRotationDate = k.rotated.AddDate(0, 0, k.rotation)
	}
	return out, nil
}

type rotationIn struct {
	onKey
	RotationPeriodInDays int
}

func enableRotation(c *cloud.Call, in rotationIn) (cloud.None, error) {
	k, err := in.usable(c)
	if err != nil {
		return cloud.None{}, err
	}
	if in.RotationPeriodInDays == 0 {
		in.RotationPeriodInDays = 365
	}
	if in.RotationPeriodInDays < 90 || in.RotationPeriodInDays > 2560 {
		return cloud.None{}, c.Invalid("RotationPeriodInDays must be 90 to 2560")
	}
	k.rotation, k.rotated = in.RotationPeriodInDays, c.Now
	return cloud.None{}, nil
}

func disableRotation(c *cloud.Call, in onKey) (cloud.None, error) {
	k, err := in.usable(c)
	if err == nil {
		k.rotation = 0
	}
	return cloud.None{}, err
}

func switchKey(to string) func(*cloud.Call, onKey) (cloud.None, error) {
	return func(c *cloud.Call, in onKey) (cloud.None, error) {
		k, err := in.key(c)
		switch {
		case err != nil:
			return cloud.None{}, err
		case k.state == "PendingDeletion":
			return cloud.None{}, invalidState(k)
		}
		k.state = to
		return cloud.None{}, nil
	}
}

type deletionIn struct {
	onKey
	PendingWindowInDays int
}

type deletionOut struct {
	KeyId, KeyState     string
	DeletionDate        time.Time
	PendingWindowInDays int
}

func scheduleDeletion(c *cloud.Call, in deletionIn) (out deletionOut, err error) {
	k, err := in.key(c)
	if err != nil {
		return out, err
	}
	if in.PendingWindowInDays == 0 {
		in.PendingWindowInDays = 30
	}
	switch {
	case in.PendingWindowInDays < 7 || in.PendingWindowInDays > 30:
		return out, c.Invalid("PendingWindowInDays must be 7 to 30")
	case k.state == "PendingDeletion":
		return out, invalidState(k)
	}
	k.state, k.deletion = "PendingDeletion", c.Now.AddDate(0, 0, in.PendingWindowInDays)
	return deletionOut{k.arn, k.state, k.deletion, in.PendingWindowInDays}, nil
}

type keyIDOut struct{ KeyId string }

func cancelDeletion(c *cloud.Call, in onKey) (out keyIDOut, err error) {
	k, err := in.key(c)
	switch {
	case err != nil:
		return out, err
	case k.state != "PendingDeletion":
		return out, cloud.Fail("KMSInvalidStateException", 400, "%s is not pending deletion.", k.arn)
	}
	k.state, k.deletion = "Disabled", time.Time{}
	return keyIDOut{k.arn}, nil
}
