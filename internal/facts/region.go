package facts

// Region is one AWS Region that is enabled for the account, with what its services
// say of themselves there.
type Region struct {
	Name  string `json:"name" call:"account:ListRegions"`
	OptIn bool   `json:"opt_in" call:"account:ListRegions"` // off unless somebody enables it
	// EBSEncryption says that new volumes are encrypted whatever their request says.
	EBSEncryption bool `json:"ebs_encryption" call:"ec2:GetEbsEncryptionByDefault"`
}
