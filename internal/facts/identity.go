package facts

import "time"

// User is an IAM user.
type User struct {
	ARN              string    `json:"arn" call:"iam:GetAccountAuthorizationDetails"`
	Name             string    `json:"name" call:"iam:GetAccountAuthorizationDetails"`
	Created          time.Time `json:"created" call:"iam:GetAccountAuthorizationDetails"`
	HasPassword      bool      `json:"has_password" call:"iam:GetCredentialReport"`
	PasswordLastUsed time.Time `json:"password_last_used" call:"iam:GetCredentialReport"`
	PasswordChanged  time.Time `json:"password_last_changed" call:"iam:GetCredentialReport"`
	MFAEnabled       bool      `json:"mfa_enabled" call:"iam:GetCredentialReport"`
	// Devices are asked for where the credential report tells of a password or of MFA.
	Devices []Device `json:"devices" call:"iam:ListMFADevices"`
	// Certifications are those of the FIDO keys of privileged users: who is administrator
	// or can become it.
	Certifications   []Certification `json:"certifications" call:"iam:GetMFADevice"`
	AccessKeys       []AccessKey     `json:"access_keys" call:"iam:GetCredentialReport"`
	Certificates     int             `json:"active_certificates" call:"iam:GetCredentialReport"`
	Groups           []string        `json:"groups" call:"iam:GetAccountAuthorizationDetails"`
	AttachedPolicies []string        `json:"attached_policies" call:"iam:GetAccountAuthorizationDetails"` // ARNs
	InlinePolicies   []Document      `json:"inline_policies" call:"iam:GetAccountAuthorizationDetails"`
	Boundary         string          `json:"boundary" call:"iam:GetAccountAuthorizationDetails"`
	Tags             []Tag           `json:"tags" call:"iam:GetAccountAuthorizationDetails"`
}

// Certification is one that the FIDO Alliance Metadata Service tells of a key, such as
// FIPS-140-3 (IAM API Reference, GetMFADevice).
type Certification struct {
	Serial string `json:"serial"` // of the device
	Scheme string `json:"scheme"`
	Level  string `json:"level"`
}

// Group is a group of IAM users.
type Group struct {
	ARN              string     `json:"arn" call:"iam:GetAccountAuthorizationDetails"`
	Name             string     `json:"name" call:"iam:GetAccountAuthorizationDetails"`
	Members          int        `json:"members" call:"iam:GetAccountAuthorizationDetails"`
	AttachedPolicies []string   `json:"attached_policies" call:"iam:GetAccountAuthorizationDetails"`
	InlinePolicies   []Document `json:"inline_policies" call:"iam:GetAccountAuthorizationDetails"`
}

// Role is an IAM role.
type Role struct {
	ARN              string     `json:"arn" call:"iam:GetAccountAuthorizationDetails"`
	Name             string     `json:"name" call:"iam:GetAccountAuthorizationDetails"`
	Path             string     `json:"path" call:"iam:GetAccountAuthorizationDetails"`
	Created          time.Time  `json:"created" call:"iam:GetAccountAuthorizationDetails"`
	LastUsed         time.Time  `json:"last_used" call:"iam:GetAccountAuthorizationDetails"`
	Trust            Document   `json:"trust" call:"iam:GetAccountAuthorizationDetails"`
	AttachedPolicies []string   `json:"attached_policies" call:"iam:GetAccountAuthorizationDetails"`
	InlinePolicies   []Document `json:"inline_policies" call:"iam:GetAccountAuthorizationDetails"`
	Boundary         string     `json:"boundary" call:"iam:GetAccountAuthorizationDetails"`
	Profiles         []string   `json:"instance_profiles" call:"iam:GetAccountAuthorizationDetails"` // ARNs
	Tags             []Tag      `json:"tags" call:"iam:GetAccountAuthorizationDetails"`
}

// Policy is a managed policy in its default version.
type Policy struct {
	ARN         string   `json:"arn" call:"iam:GetAccountAuthorizationDetails"`
	Name        string   `json:"name" call:"iam:GetAccountAuthorizationDetails"`
	AWS         bool     `json:"aws" call:"iam:GetAccountAuthorizationDetails"` // AWS's own
	Attachments int      `json:"attachments" call:"iam:GetAccountAuthorizationDetails"`
	Document    Document `json:"document" call:"iam:GetAccountAuthorizationDetails"`
	// Versions are the others, which one call makes the default; each is named by its ID.
	Versions []Document `json:"other_versions" call:"iam:GetAccountAuthorizationDetails"`
}

// Document is a policy with its name.
type Document struct {
	Name string `json:"name"`
	Text string `json:"text"`
}

// Tag is a tag of a resource.
type Tag struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}
