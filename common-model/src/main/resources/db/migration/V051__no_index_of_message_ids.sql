-- Nothing looks an email up by its message id: threads have thread_reference, and a moved email is found by email_fingerprint.
-- It was the widest index of email, written at random places for every message.
drop index email_message_id;
