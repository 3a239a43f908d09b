-- How often the process ended while a message was in hand: no delivery that went wrong, and no endless excuse.
ALTER TABLE messages ADD COLUMN interruptions INTEGER NOT NULL DEFAULT 0;
