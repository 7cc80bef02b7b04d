package facts

import (
	"strings"
	"time"

	"github.com/rootkeep/rootkeep"
)

// Root is the account's root user.
type Root struct {
	HasPassword         bool        `json:"has_password" call:"iam:GetAccountSummary"`
	HasAccessKeys       bool        `json:"has_access_keys" call:"iam:GetAccountSummary"`
	HasCertificates     bool        `json:"has_certificates" call:"iam:GetAccountSummary"`
	MFAEnabled          bool        `json:"mfa_enabled" call:"iam:GetAccountSummary"`
	VirtualMFA          bool        `json:"virtual_mfa" call:"iam:ListVirtualMFADevices"`
	Devices             []Device    `json:"devices" call:"iam:ListMFADevices in a root session"`
	AccessKeys          []AccessKey `json:"access_keys" call:"iam:GetCredentialReport"`
	PasswordLastUsed    time.Time   `json:"password_last_used" call:"iam:GetCredentialReport"`
	PasswordLastChanged time.Time   `json:"password_last_changed" call:"iam:GetCredentialReport"`
}

// Device is an MFA device.
type Device struct {
	Serial  string    `json:"serial"`
	Kind    string    `json:"kind"` // as DeviceKind tells it
	Enabled time.Time `json:"enabled"`
}

// Kinds of MFA device. FIDO is a passkey or a security key.
const (
	Virtual  = "virtual"
	Hardware = "hardware"
	FIDO     = "fido"
	SMS      = "sms"
	Other    = "unknown"
)

// DeviceKind tells the kind of a user's device from its serial number, which is an ARN
// but for hardware tokens (IAM User Guide, "Check MFA status").
func DeviceKind(serial string) string {
	arn, err := rootkeep.ParseARN(serial)
	kind, _, _ := strings.Cut(arn.Resource, "/")
	switch {
	case serial == "":
		return Other
	case err != nil && !strings.ContainsAny(serial, ":/"):
		return Hardware
	case kind == "mfa":
		return Virtual
	case kind == "u2f":
		return FIDO
	case kind == "sms-mfa":
		return SMS
	}
	return Other
}

// AccessKey is a long-term access key, without its secret.
type AccessKey struct {
	ID              string    `json:"id"` // empty where the source does not tell it
	Active          bool      `json:"active"`
	Created         time.Time `json:"created"` // or last rotated
	LastUsed        time.Time `json:"last_used"`
	LastUsedRegion  string    `json:"last_used_region"`
	LastUsedService string    `json:"last_used_service"`
}

// Account is what the account says of itself.
type Account struct {
	Alias        string       `json:"alias" call:"iam:ListAccountAliases"`
	PublicAccess PublicAccess `json:"public_access" call:"s3:GetAccountPublicAccessBlock"` // for all its buckets
}

// Organization is the organization, as this account sees it.
type Organization struct {
	Member     bool   `json:"member" call:"organizations:DescribeOrganization"`
	ID         string `json:"id" call:"organizations:DescribeOrganization"`
	Management bool   `json:"management" call:"organizations:DescribeOrganization"` // this is the management account
}

// PasswordPolicy is the account's password policy for IAM users. It never applies to
// the root user.
type PasswordPolicy struct {
	Set                   bool `json:"set" call:"iam:GetAccountPasswordPolicy"`
	MinimumLength         int  `json:"minimum_length" call:"iam:GetAccountPasswordPolicy"`
	RequireUppercase      bool `json:"require_uppercase" call:"iam:GetAccountPasswordPolicy"`
	RequireLowercase      bool `json:"require_lowercase" call:"iam:GetAccountPasswordPolicy"`
	RequireSymbols        bool `json:"require_symbols" call:"iam:GetAccountPasswordPolicy"`
	RequireNumbers        bool `json:"require_numbers" call:"iam:GetAccountPasswordPolicy"`
	UsersMayChange        bool `json:"users_may_change" call:"iam:GetAccountPasswordPolicy"`
	HardExpiry            bool `json:"hard_expiry" call:"iam:GetAccountPasswordPolicy"`
	MaximumAge            int  `json:"maximum_age" call:"iam:GetAccountPasswordPolicy"` // days, 0: passwords do not expire
	RememberedGenerations int  `json:"remembered_generations" call:"iam:GetAccountPasswordPolicy"`
}
