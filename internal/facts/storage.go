package facts

import "time"

// Queue is an SQS queue.
type Queue struct {
	ARN       string `json:"arn" call:"sqs:ListQueues"`
	URL       string `json:"url" call:"sqs:ListQueues"`
	Policy    string `json:"policy" call:"sqs:GetQueueAttributes"` // "" for none
	Encrypted bool   `json:"encrypted" call:"sqs:GetQueueAttributes"`
}

// Secret is a secret of Secrets Manager, without its value.
type Secret struct {
	ARN         string    `json:"arn" call:"secretsmanager:ListSecrets"`
	Name        string    `json:"name" call:"secretsmanager:ListSecrets"`
	Created     time.Time `json:"created" call:"secretsmanager:ListSecrets"`
	Rotation    bool      `json:"rotation" call:"secretsmanager:ListSecrets"`
	LastRotated time.Time `json:"last_rotated" call:"secretsmanager:ListSecrets"`
	Replica     bool      `json:"replica" call:"secretsmanager:ListSecrets"` // of a secret of another Region, which is what rotates
}
